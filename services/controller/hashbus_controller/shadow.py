"""Shadow mode: further policy sets that decide beside the live one and say what they would do, and never a setpoint.

A shadow hears what the live set hears, as it would be if the miners followed the shadow: their readings show its power,
and meter and inverter show the difference. What cannot be known so are room temperatures and the battery's charge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rpds import HashTrieMap, HashTrieSet

from hashbus.economics import DAY_S, SATS_PER_BTC, mined_btc_per_day
from hashbus.messages import (
    BatteryTelemetry,
    ControlRequest,
    ControlState,
    Decision,
    HeatState,
    Message,
    MeterTelemetry,
    MinerControl,
    MinerState,
    MinerTelemetry,
    NetworkState,
    ShadowMiner,
    ShadowState,
    ZoneState,
)
from hashbus.step import Step, Tick
from hashbus_controller.costs import efficiency, loss_wh
from hashbus_controller.registry import beginning
from hashbus_controller.settings import ControllerSettings
from hashbus_controller.state import State
from hashbus_controller.step import hears, step

LIVE = "live"
EVERY = timedelta(seconds=60)
LONGEST_S = 10.0
"""A gap in the ticks is not counted: nobody knows what would have been decided in it."""

NOT_ITS_OWN = (ControlState, MinerControl, ControlRequest, ZoneState, HeatState)
"""The memory and the switch of the live set. A shadow always decides: it does no harm."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a policy set would have brought."""

    since: datetime | None = None
    energy_wh: float = 0.0
    heat_wh: float = 0.0
    sats: float = 0.0
    short_kh: float = 0.0
    switches: int = 0
    counted_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Counted:
    """One policy set: its ledger, what it gives, and what it said."""

    name: str
    ledger: Ledger = Ledger()
    power_w: HashTrieMap[str, float] = field(default_factory=HashTrieMap)
    reasons: HashTrieMap[str, str] = field(default_factory=HashTrieMap)
    zones: HashTrieMap[str, ZoneState] = field(default_factory=HashTrieMap)
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """The live set and its shadows, each with what it counts."""

    live: State
    shadows: tuple[State, ...]
    counts: tuple[Counted, ...]
    """Of the live set first."""
    network: NetworkState | None = None
    ticked_at: datetime | None = None


def beside(live: State, settings: ControllerSettings) -> Beside:
    """Put the shadows of the settings beside the live set."""
    sections = settings.controller.shadows
    shadows = tuple(
        beginning(settings.model_copy(update={"controller": section.model_copy(update={"auto_control": "enabled"})}))
        for section in sections.values()
    )
    return Beside(live, shadows, tuple(Counted(name) for name in (LIVE, *sections)))


def hears_beside(state: Beside) -> tuple[type[Message], ...]:
    """Return every message that the live set or a shadow listens to."""
    kinds = (kind for one in (state.live, *state.shadows) for kind in hears(one))
    return tuple(dict.fromkeys((*kinds, NetworkState, ShadowState)))


def shadowed(decide: Step[State]) -> Step[Beside]:
    """Return the step of the live set with the shadows beside it."""

    def decided(state: Beside, heard: Message | Tick, now: datetime) -> tuple[Beside, Iterable[Message]]:
        if isinstance(heard, ShadowState):
            return _recalled(state, heard), ()
        live, said = decide(state.live, heard, now)
        said = tuple(said)
        counts = [_with_said(state.counts[0], said)]
        shadows: list[State] = []
        for one, counted in zip(state.shadows, state.counts[1:], strict=True):
            shadow, told = _shadow_step(one, live, heard, now)
            shadows.append(shadow)
            counts.append(_with_said(counted, told))
        network = heard if isinstance(heard, NetworkState) else state.network
        state = Beside(live, tuple(shadows), tuple(counts), network, state.ticked_at)
        if not isinstance(heard, Tick):
            return state, said
        state, news = _ticked(state, now)
        return state, (*said, *news)

    return decided


def _shadow_step(one: State, live: State, heard: Message | Tick, now: datetime) -> tuple[State, tuple[Message, ...]]:
    if isinstance(heard, NOT_ITS_OWN) or not isinstance(heard, (Tick, *hears(one))):
        return one, ()
    # What a change costs is learnt from miners that are really changed.
    one = replace(one, costs=live.costs, ramps=HashTrieMap(), learnt=HashTrieSet())
    one, said = step(one, as_it_would_be(heard, one, live), now)
    return one, tuple(said)


def as_it_would_be(heard: Message | Tick, shadow: State, live: State) -> Message | Tick:
    """Return what would be heard if the miners followed the shadow."""
    if isinstance(heard, MinerTelemetry):
        held = shadow.held.get(heard.miner)
        return heard if held is None else _following(heard, held.power_w, shadow)
    if isinstance(heard, MeterTelemetry) and heard.power_w is not None:
        return heard.model_copy(update={"power_w": heard.power_w + more_w(shadow, live)})
    if isinstance(heard, BatteryTelemetry):
        more = more_w(shadow, live)
        load_w = None if heard.load_w is None else max(0.0, heard.load_w + more)
        grid_w = None if heard.grid_w is None else heard.grid_w + more
        return heard.model_copy(update={"load_w": load_w, "grid_w": grid_w})
    return heard


def more_w(shadow: State, live: State) -> float:
    """Return how much more the miners would draw under the shadow than they do."""
    return sum(
        held.power_w - (live.readings[miner].power_w or 0.0)
        for miner, held in shadow.held.items()
        if miner in live.readings
    )


def _following(reading: MinerTelemetry, power_w: float, shadow: State) -> MinerTelemetry:
    info = shadow.infos.get(reading.miner)
    j_per_th = efficiency(info, reading) if info else None
    hashrate_ths = power_w / j_per_th if j_per_th else reading.hashrate_ths
    state = MinerState.MINING if power_w > 0 else MinerState.SLEEPING
    shown = {"power_w": power_w, "state": state, "hashrate_ths": hashrate_ths, "hashrate_5s_ths": hashrate_ths}
    return reading.model_copy(update={**shown, "power_limit_w": power_w or reading.power_limit_w})


def _with_said(counted: Counted, said: Iterable[Message]) -> Counted:
    for one in said:
        if isinstance(one, Decision):
            counted = replace(counted, reasons=counted.reasons.insert(one.miner, one.reason))
        elif isinstance(one, ZoneState):
            counted = replace(counted, zones=counted.zones.insert(one.zone, one))
    return counted


def _recalled(state: Beside, said: ShadowState) -> Beside:
    """Take back what an earlier run counted, before this one says its first word."""
    kept = Ledger(said.since, said.energy_wh, said.heat_wh, said.sats, said.short_kh, said.switches, said.counted_s)
    counts = tuple(
        replace(one, ledger=kept) if one.name == said.shadow and one.told_at is None else one for one in state.counts
    )
    return replace(state, counts=counts)


def _ticked(state: Beside, now: datetime) -> tuple[Beside, list[Message]]:
    passed_s = (now - state.ticked_at).total_seconds() if state.ticked_at else 0.0
    passed_s = passed_s if 0 < passed_s <= LONGEST_S else 0.0
    counts: list[Counted] = []
    said: list[Message] = []
    for one, counted in zip((state.live, *state.shadows), state.counts, strict=True):
        after = _counted(counted, one, state.network, passed_s, now)
        is_news = after.power_w != counted.power_w
        is_settled = bool(one.infos) and not one.is_waiting
        is_due = after.told_at is None or now - after.told_at >= EVERY or now < after.told_at
        if is_settled and (is_due or is_news):
            after = replace(after, told_at=now)
            said.append(_state_of(after, one.site, now))
        counts.append(after)
    return replace(state, counts=tuple(counts), ticked_at=now), said


def _counted(counted: Counted, state: State, network: NetworkState | None, passed_s: float, now: datetime) -> Counted:
    """Count the time that has passed at the power of before, then take what is given now."""
    sats_per_th = _sats_per_th(network, now)
    ledger, hours = counted.ledger, passed_s / 3600
    heated = {miner for zone in counted.zones.values() for miner in zone.miners}
    terahashes = 0.0
    energy_w = heat_w = 0.0
    for miner, power_w in counted.power_w.items():
        energy_w += power_w
        heat_w += power_w if miner in heated else 0.0
        terahashes += _terahashes(state, miner, power_w * passed_s)
    given = HashTrieMap({miner: held.power_w for miner, held in state.held.items()})
    changed = [miner for miner, power_w in given.items() if counted.power_w.get(miner, power_w) != power_w]
    terahashes -= sum(_lost_th(state, miner, min(given[miner], counted.power_w[miner])) for miner in changed)
    ledger = replace(
        ledger,
        since=ledger.since or now,
        energy_wh=ledger.energy_wh + energy_w * hours,
        heat_wh=ledger.heat_wh + heat_w * hours,
        sats=max(0.0, ledger.sats + terahashes * sats_per_th),
        short_kh=ledger.short_kh + sum(_short_k(zone, now) for zone in counted.zones.values()) * hours,
        switches=ledger.switches + len(changed),
        counted_s=ledger.counted_s + passed_s,
    )
    return replace(counted, ledger=ledger, power_w=counted.power_w if given == counted.power_w else given)


def _sats_per_th(network: NetworkState | None, now: datetime) -> float:
    if network is None or network.is_stale(now):
        return 0.0
    reward_btc = network.subsidy_btc + (network.fees_per_block_btc or 0.0)
    return mined_btc_per_day(1.0, network.difficulty, reward_btc) * SATS_PER_BTC / DAY_S


def _terahashes(state: State, miner: str, energy_ws: float) -> float:
    info = state.infos.get(miner)
    j_per_th = efficiency(info, state.readings.get(miner)) if info else None
    return energy_ws / j_per_th if j_per_th else 0.0


def _lost_th(state: State, miner: str, lesser_w: float) -> float:
    info = state.infos.get(miner)
    if info is None:
        return 0.0
    lost_wh = loss_wh(info, state.readings.get(miner), state.costs.get(miner), lesser_w)
    return _terahashes(state, miner, lost_wh * 3600)


def _short_k(zone: ZoneState, now: datetime) -> float:
    if zone.temperature_c is None or zone.target_c is None or zone.is_stale(now):
        return 0.0
    return max(0.0, zone.target_c - zone.temperature_c)


def _state_of(counted: Counted, site: str, now: datetime) -> ShadowState:
    ledger = counted.ledger
    miners = {
        miner: ShadowMiner(power_w=power_w, reason=counted.reasons.get(miner) or "nothing is asked")
        for miner, power_w in sorted(counted.power_w.items())
    }
    return ShadowState(
        site=site,
        at=now,
        shadow=counted.name,
        since=ledger.since or now,
        energy_wh=round(ledger.energy_wh, 3),
        heat_wh=round(ledger.heat_wh, 3),
        sats=round(ledger.sats, 6),
        short_kh=round(ledger.short_kh, 6),
        switches=ledger.switches,
        counted_s=round(ledger.counted_s, 3),
        power_w=sum(counted.power_w.values()),
        miners=miners,
    )
