"""What the poller and the market would say of the world: the messages that the decisions hear."""

from __future__ import annotations

from collections.abc import Iterator

from hashbus.messages import (
    BatteryTelemetry,
    Capability,
    Level,
    Message,
    MeterTelemetry,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    PowerChange,
    PowerPrice,
    SensorTelemetry,
)
from hashbus_simulator.physics import MinerPhysics
from hashbus_twin.settings import LocalHours, TwinMiner
from hashbus_twin.world import BATTERY_CHANNEL, ROOM_CHANNEL, World

DRIVER = "twin"
BATTERY, METER, OUTDOORS = "house", "grid", "outdoors"
"""Ids under which the policies find them."""


def info_of(site: str, name: str, one: TwinMiner, world: World) -> MinerInfo:
    """Return who a miner is; how long its ramp takes is not told, as hardly a driver knows it."""
    model = world.miners[name].model
    return MinerInfo(
        site=site,
        at=world.now,
        miner=name,
        driver=DRIVER,
        level=Level.GOLD,
        group=one.group,
        model=model.name,
        safe_power_w=one.safe_power_w,
        rated_power_w=model.power_w,
        rated_hashrate_ths=model.hashrate_ths,
        min_power_w=round(model.power_w * model.min_power_share),
        max_power_w=model.power_w,
        power_step_w=1,
        power_change=PowerChange(),
        capabilities=(Capability.POWER_LIMIT, Capability.SLEEP),
    )


def reading_of(site: str, name: str, miner: MinerPhysics, world: World) -> MinerTelemetry:
    """Return what a miner shows, with the noise of its sensors."""
    state = MinerState.SLEEPING if miner.asleep else MinerState.MINING if miner.is_tuned else MinerState.TUNING
    return MinerTelemetry(
        site=site,
        at=world.now,
        miner=name,
        driver=DRIVER,
        state=state,
        power_w=round(miner.measured(miner.power_w, 1, spread=0.01), 1),
        power_limit_w=miner.demand.limit_w,
        hashrate_ths=round(miner.hash_1min_ths, 3),
        hashrate_5s_ths=round(miner.hashrate_ths, 3),
        chip_max_c=round(miner.heat.chip_c, 1),
        ambient_c=round(miner.ambient_c, 1),
    )


class Telling:
    """Says of the world what is due; each device in its own rhythm."""

    def __init__(self, site: str, world: World, hours: LocalHours) -> None:
        """Speak for this site."""
        self.site, self.world, self._hours = site, world, hours
        self._priced_hour: int | None = None

    def all(self) -> Iterator[Message]:
        """Yield every reading of this moment; who is silent says nothing."""
        world, now = self.world, self.world.now
        for name, miner in world.miners.items():
            yield reading_of(self.site, name, miner, world)
        if not world.is_silent(BATTERY_CHANNEL):
            yield self._battery()
        flows = world.flows
        yield MeterTelemetry(
            site=self.site, at=now, meter=METER, driver=DRIVER, power_w=round(flows.import_w - flows.export_w, 1)
        )
        for at, (room, room_c) in enumerate(world.rooms_c.items()):
            if not world.is_silent(ROOM_CHANNEL + at):
                yield self._thermometer(room, room_c)
        yield self._thermometer(OUTDOORS, world.outdoor_c)
        hour, _ = self._hours.at(now)
        if hour != self._priced_hour:
            self._priced_hour = hour
            yield self._price(hour)

    def _battery(self) -> BatteryTelemetry:
        flows = self.world.flows
        return BatteryTelemetry(
            site=self.site,
            at=self.world.now,
            battery=BATTERY,
            driver=DRIVER,
            # Portals and inverters tell whole per cent, and a full battery as 100.
            soc_pct=round(self.world.state.soc_pct),
            pv_w=round(flows.pv_w),
            load_w=round(flows.load_w + flows.miners_w),
            battery_w=round(flows.charge_w - flows.discharge_w),
            grid_w=round(flows.import_w - flows.export_w),
        )

    def _thermometer(self, sensor: str, value_c: float) -> SensorTelemetry:
        return SensorTelemetry(
            site=self.site, at=self.world.now, source="poller", sensor=sensor, temperature_c=round(value_c, 2)
        )

    def _price(self, hour: int) -> PowerPrice:
        tariff = self.world.settings.tariff
        return PowerPrice(
            site=self.site,
            at=self.world.now,
            taken_at=self.world.now,
            currency=tariff.currency,
            price_per_kwh=tariff.price(hour),
            export_per_kwh=tariff.export_per_kwh,
            tariff="by the hour",
            sources_used=1,
            sources_total=1,
            completeness_pct=100,
        )
