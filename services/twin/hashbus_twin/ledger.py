"""What a policy set brought and cost, day by day: energy, heat, hashes, comfort and switches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from hashbus.economics import DAY_S, SATS_PER_BTC, mined_btc_per_day
from hashbus.messages import PowerSetpoint
from hashbus_twin.settings import LocalHours, TwinSettings
from hashbus_twin.world import World

WH_PER_WS = 1 / 3600


@dataclass(slots=True)
class Entry:
    """One day, or the sum of many. Energies in kWh; `captured` is sun that was not exported or throttled."""

    sun_kwh: float = 0.0
    captured_kwh: float = 0.0
    imported_kwh: float = 0.0
    exported_kwh: float = 0.0
    mined_kwh: float = 0.0
    heat_kwh: float = 0.0
    sats: float = 0.0
    short_kh: float = 0.0
    """Kelvin-hours below what the people want, over all rooms."""
    over_kh: float = 0.0
    """Kelvin-hours more than two kelvins above it, while it is the miners that heat."""
    switches: int = 0
    cost: float = 0.0
    """Of power bought less power sold, in the currency of the tariff."""

    def plus(self, other: Entry) -> Entry:
        """Return both together."""
        return Entry(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})


TOO_WARM_K = 2.0


class Ledger:
    """Counts what happens in the world of one policy set."""

    def __init__(self, settings: TwinSettings) -> None:
        """Begin with nothing."""
        self._twin = settings.twin
        self._hours = LocalHours(settings.time_zone)
        self._power_w: dict[str, float] = {}
        self.days: dict[str, Entry] = {}
        network = settings.twin.network
        # Linear in the hashrate: a terahash brings what a TH/s brings in a day, over the seconds of a day.
        per_day = mined_btc_per_day(1.0, network.difficulty, network.reward_btc)
        self._sats_per_th = per_day * SATS_PER_BTC / DAY_S

    def notes(self, world: World, seconds: float) -> None:
        """Count the stretch of time that has just passed."""
        hour, day = self._hours.at(world.now)
        entry = self.days.setdefault(day, Entry())
        kwh = seconds * WH_PER_WS / 1000
        flows, tariff = world.flows, self._twin.tariff
        entry.sun_kwh += (flows.pv_w) * kwh
        entry.captured_kwh += (flows.pv_w - flows.export_w) * kwh
        entry.imported_kwh += flows.import_w * kwh
        entry.exported_kwh += flows.export_w * kwh
        entry.mined_kwh += flows.miners_w * kwh
        entry.sats += world.hashes_th * self._sats_per_th
        entry.cost += (flows.import_w * tariff.price(hour) - flows.export_w * tariff.export_per_kwh) * kwh
        self._note_rooms(entry, world, seconds, self._twin.comfort.target_c(hour))

    def _note_rooms(self, entry: Entry, world: World, seconds: float, target_c: float) -> None:
        for room in world.house.rooms:
            heat_w = sum(world.mean_w[miner] for miner in room.miners)
            entry.heat_kwh += heat_w * seconds * WH_PER_WS / 1000
            room_c = world.rooms_c[room.id]
            entry.short_kh += max(0.0, target_c - room_c) * seconds / 3600
            if heat_w > room_is_heated_w(len(room.miners)):
                entry.over_kh += max(0.0, room_c - target_c - TOO_WARM_K) * seconds / 3600

    def hears(self, setpoint: PowerSetpoint, world: World) -> None:
        """Count a change of power; a renewal is none."""
        before_w = self._power_w.get(setpoint.miner)
        self._power_w[setpoint.miner] = setpoint.power_w
        if before_w is not None and before_w != setpoint.power_w:
            self.days.setdefault(self._hours.at(world.now)[1], Entry()).switches += 1

    @property
    def total(self) -> Entry:
        """Return the sum of all days."""
        total = Entry()
        for entry in self.days.values():
            total = total.plus(entry)
        return total

    def encode(self) -> bytes:
        """Return every day as JSON, the same bytes for the same run."""
        days: Mapping[str, Mapping[str, float]] = {day: asdict(entry) for day, entry in self.days.items()}
        return json.dumps(days, separators=(",", ":")).encode()


def room_is_heated_w(miners: int) -> float:
    """Return from which power on a room counts as heated: above the standby of so many miners."""
    return 100.0 * miners
