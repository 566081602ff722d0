"""The heating of the whole house in one message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hashbus.messages import HeatState, ZoneState
from hashbus_controller.heat.choices import HOUSE, Choices
from hashbus_controller.heat.inputs import Found


def house_state(
    site: str,
    zones: Sequence[ZoneState],
    choices: Choices,
    outdoor: Found | None,
    mean_outdoor_c: float | None,
    now: datetime,
) -> HeatState:
    """Return the sum of the zones as they were last told, the profile of the house and the weather."""
    choice = choices.get(HOUSE)
    is_chosen = choice is not None and choice.holds(now)
    told = [zone.delivered_w for zone in zones if zone.delivered_w is not None]
    return HeatState(
        site=site,
        at=now,
        profile=choice.profile if choice and is_chosen else None,
        profile_by=choice.by if choice and is_chosen else None,
        profile_until=choice.until if choice and is_chosen else None,
        outdoor_c=round(outdoor.value_c, 1) if outdoor else None,
        outdoor_input=outdoor.key if outdoor else None,
        mean_outdoor_c=None if mean_outdoor_c is None else round(mean_outdoor_c, 1),
        zones=len(zones),
        zones_blind=sum(zone.temperature_c is None for zone in zones),
        needed_w=sum(zone.needed_w for zone in zones),
        delivered_w=sum(told) if told else None,
        needed_today_wh=round(sum(zone.needed_today_wh for zone in zones), 1),
        delivered_today_wh=round(sum(zone.delivered_today_wh for zone in zones), 1),
        needed_wh=round(sum(zone.needed_wh for zone in zones), 1),
        delivered_wh=round(sum(zone.delivered_wh for zone in zones), 1),
        completeness_pct=round(100 * len(told) / len(zones), 1) if zones else 100,
    )
