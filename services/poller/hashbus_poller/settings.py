"""Settings of the poller: its devices, how often they are read, and what is too hot."""

from __future__ import annotations

from functools import cache, reduce
from operator import or_
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, create_model, field_validator, model_validator

from hashbus.messages import Id
from hashbus.settings import Section, SiteSettings
from hashbus.units import Watts
from hashbus_poller.blocks import expanded
from hashbus_poller.drivers.contract import DeviceKind
from hashbus_poller.loop import LoopSettings
from hashbus_poller.registry import drivers
from hashbus_poller.vitals import Thresholds

LIVE = "live"
Interval = Annotated[float, Field(ge=1, le=3600)]


class DeviceSettings(Section):
    """What every device has beside the options of its driver."""

    driver: str
    group: Id | None = Field(None, description="Devices that are bid for together: a room, a row, a phase")
    poller: Annotated[str, Field(pattern=r"^poller(-[1-9]\d*)?$")] | None = Field(
        None, description="With `shard: live`: the one poller that can reach it, as on its serial port; else any"
    )
    interval_s: Interval | None = Field(None, description="How often it is read; the poller's when not given")
    safe_power_w: Watts | None = Field(
        None, description="Where a miner is taken when a setpoint lapses; 0 is sleep; not given: left as it is"
    )
    rated_power_w: Watts | None = Field(
        None, gt=0, description="Most a miner draws; only where neither it nor models.csv knows"
    )
    thresholds: Thresholds | None = Field(None, description="What is too hot; the poller's when not given")
    loop: LoopSettings | None = Field(None, description="Probes in a miner's liquid loop")


@cache
def device_model() -> Any:
    """Return the union of all devices' settings: the keys every device has and the options of its driver."""
    models = [
        create_model(
            f"{name}_device",
            __base__=(DeviceSettings, spec.options),
            driver=(Literal[name], ...),
        )
        for name, spec in drivers().items()
    ]
    # With one driver alone there is no union to tell apart.
    return Annotated[reduce(or_, models), Discriminator("driver")] if len(models) > 1 else models[0]


class PollerSection(Section):
    """The `poller:` section of the site file."""

    interval_s: Interval = Field(10, description="How often a device is read: 10 suits a home, 60 a farm")
    offline_after: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="Failed readings in a row until a device counts as offline; a refused connection counts at once"
    )
    offline_retry_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        60, description="Longest wait between tries while a device is offline"
    )
    connections: Annotated[int, Field(ge=1, le=20_000)] = Field(1_000, description="Devices read at the same time")
    shard: Annotated[str, Field(pattern=r"^(live|[1-9]\d*/[1-9]\d*)$")] = Field(
        "1/1",
        description="Which part of the devices this poller reads: 2/3 is the second of three, live is a part that "
        "follows which pollers are there",
    )
    lease_s: Annotated[float, Field(ge=1, le=300)] = Field(
        15, description="With `shard: live`: after so long without a sign of life a poller's devices go to the others"
    )
    cut_off_s: Annotated[float, Field(ge=30, le=86_400)] = Field(
        900, description="With `shard: live`: for how long a poller keeps its devices when it has lost the broker"
    )
    confirm_s: Annotated[float, Field(ge=10, le=3600)] = Field(
        300, description="How long a miner may take to show a new power before it is asked again"
    )
    power_changes_per_day: Annotated[int, Field(ge=1, le=1440)] = Field(
        24, description="How often a day a miner may be asked for more power; less power never counts"
    )
    raw_replies: Annotated[int, Field(ge=0, le=1000)] = Field(
        4, description="Raw answers kept of each device for `hashbus raw`"
    )
    template_folder: Path | None = Field(
        None, description="Templates of one's own for all devices, relative to where the poller is started"
    )
    thresholds: Thresholds = Thresholds()
    blocks: list[dict[str, Any]] = Field([], description="Many alike: {prefix, driver, hosts: FIRST-LAST, ...}")
    devices: dict[Id, Any] = Field({}, description="Each device by its id")

    @model_validator(mode="before")
    @classmethod
    def _hand_out_the_template_folder(cls, values: Any) -> Any:
        """Give the folder to every device that follows a template and names no folder itself.

        What stands below runs before: the blocks are expanded.
        """
        if not isinstance(values, dict) or not values.get("template_folder"):
            return values
        folder = {"template_folder": values["template_folder"]}
        devices = {
            name: {**folder, **device} if isinstance(device, dict) and "template" in device else device
            for name, device in (values.get("devices") or {}).items()
        }
        return {**values, "devices": devices}

    @model_validator(mode="before")
    @classmethod
    def _expand_blocks(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("blocks"), list):
            return values
        devices = values.get("devices") or {}
        for block in values["blocks"]:
            found = expanded(block)
            twice = sorted(set(found) & set(devices))
            if twice:
                raise ValueError(f"device {twice[0]!r} is there twice; give the block another prefix")
            devices = {**devices, **found}
        return {**values, "devices": devices}

    @field_validator("devices", mode="before")
    @classmethod
    def _no_devices_is_none(cls, devices: Any) -> Any:
        return {} if devices is None else devices

    @property
    def is_live(self) -> bool:
        """Whether the part follows which pollers are there."""
        return self.shard == LIVE

    @property
    def shard_of(self) -> tuple[int, int]:
        """Return which part this is, counted from 1, and how many there are; all of it where that is not fixed."""
        part, parts = (1, 1) if self.is_live else self.shard.split("/")
        return int(part), int(parts)

    @field_validator("shard")
    @classmethod
    def _part_is_one_of_the_parts(cls, shard: str) -> str:
        if shard == LIVE:
            return shard
        part, parts = shard.split("/")
        if int(part) > int(parts):
            raise ValueError(f"part {part} of {parts}: the first number goes from 1 to the second")
        return shard

    def count(self, kind: DeviceKind) -> int:
        """Return how many devices of a kind are configured."""
        return sum(drivers()[device.driver].kind_of(device) is kind for device in self.devices.values())


@cache
def settings_model() -> type[SiteSettings]:
    """Return the settings class with the devices of the installed drivers in it."""
    section = create_model(
        "PollerSection",
        __base__=PollerSection,
        devices=(GenericAlias(dict, (Id, device_model())), Field({}, description="Each device by its id")),
    )
    return create_model("PollerSettings", __base__=SiteSettings, poller=(section, Field(default_factory=section)))
