"""The `triggers:` of the curtailer: each asks for curtailments by itself when it has a section."""

from __future__ import annotations

from pydantic import Field

from hashbus.settings import Section
from hashbus_curtailer.triggers.openadr import OpenAdrSettings
from hashbus_curtailer.triggers.peaks import PeaksSettings
from hashbus_curtailer.triggers.schedule import Window
from hashbus_curtailer.triggers.signal import SignalSettings
from hashbus_curtailer.triggers.strike import StrikeSettings


class Triggers(Section):
    """What asks for a curtailment by itself."""

    schedule: tuple[Window, ...] = Field((), description="Recurring hours")
    strike: StrikeSettings | None = Field(None, description="A price of power that is too high")
    signal: SignalSettings | None = Field(None, description="A number on MQTT topics of somebody else")
    peaks: PeaksSettings | None = Field(None, description="A file that forecasts peaks of demand")
    openadr: OpenAdrSettings | None = Field(None, description="Events of an OpenADR 3 server")

    @property
    def any(self) -> bool:
        """Say whether there is any trigger at all."""
        return bool(self.schedule or self.strike or self.signal or self.peaks or self.openadr)
