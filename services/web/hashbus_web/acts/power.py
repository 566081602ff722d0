"""What somebody wants of a miner, made into the request or order that says so; refused where the miner cannot. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hashbus.messages import (
    NEEDS,
    Capability,
    Command,
    DeviceOrder,
    MinerInfo,
    OrderParams,
    PowerRequest,
    Rank,
    Text,
)
from hashbus.units import Watts
from hashbus_web.people.secrets import new_id
from hashbus_web.problems import Problem, wrong

SOURCE = "web"
OVERRIDE = "override"
ORDER_LASTS = timedelta(minutes=2)

Lasts = Annotated[float, Field(ge=60, le=30 * 86_400, description="Seconds until it lapses by itself")]
TWO_HOURS_S = 7_200.0


class Asked(BaseModel):
    """What somebody asks."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Release(Asked):
    """Give back what was asked by hand."""

    kind: Literal["release"] = "release"


class PowerOn(Asked):
    """Run at full power."""

    kind: Literal["power_on"] = "power_on"
    for_s: Lasts = TWO_HOURS_S
    why: Text = ""


class PowerOff(Asked):
    """Sleep."""

    kind: Literal["power_off"] = "power_off"
    for_s: Lasts = TWO_HOURS_S
    why: Text = ""


class PowerLimit(Asked):
    """Draw this many watts: exactly, at most, or at least."""

    kind: Literal["power_limit"] = "power_limit"
    power_w: Annotated[Watts, Field(le=1e6)]
    bound: Literal["exactly", "at_most", "at_least"] = "exactly"
    for_s: Lasts = TWO_HOURS_S
    why: Text = ""


class PowerPercent(Asked):
    """Draw this share of the most it can."""

    kind: Literal["power_pct"] = "power_pct"
    pct: Annotated[float, Field(ge=0, le=100)]
    bound: Literal["exactly", "at_most", "at_least"] = "exactly"
    for_s: Lasts = TWO_HOURS_S
    why: Text = ""


class Order(Asked):
    """Do one thing, once."""

    kind: Literal["order"] = "order"
    command: Command
    params: OrderParams = OrderParams()


Act = Annotated[PowerLimit | PowerPercent | PowerOn | PowerOff | Release | Order, Field(discriminator="kind")]


def message_for(act: Act, miner: str, info: MinerInfo | None, by: str, now: datetime, site: str) -> Any:
    """Return the PowerRequest or DeviceOrder that says it. Problem when this miner cannot do it."""
    if info is None:
        raise Problem(409, "conflict", f"{miner} was never read: nobody knows yet what it can do")
    if isinstance(act, Order):
        return _order(act, miner, info, now, site)
    if isinstance(act, PowerOn) and full_power_w(info) is None and Capability.SLEEP in info.capabilities:
        return _order(Order(command=Command.ENABLE), miner, info, now, site)
    bounds = {"cap_w": 0.0} if isinstance(act, Release) else _bounds(act, info)
    lasts_s = 0.0 if isinstance(act, Release) else act.for_s
    why = "" if isinstance(act, Release) else act.why
    return _request(miner, bounds, lasts_s, why or f"set by {by}", now, site)


def message_for_group(
    act: PowerLimit | PowerOff | Release, scope: str, by: str, now: datetime, site: str
) -> PowerRequest:
    """Return the wish about all miners of a group, or of the `site`, together."""
    bounds = dict.fromkeys(_FIGURES[act.bound], act.power_w) if isinstance(act, PowerLimit) else {"cap_w": 0.0}
    lasts_s = 0.0 if isinstance(act, Release) else act.for_s
    why = "" if isinstance(act, Release) else act.why
    return _request(scope, bounds, lasts_s, why or f"set by {by}", now, site)


def _request(
    scope: str, bounds: Mapping[str, float], lasts_s: float, why: str, now: datetime, site: str
) -> PowerRequest:
    return PowerRequest(
        site=site,
        at=now,
        source=SOURCE,
        scope=scope,
        name=OVERRIDE,
        rank=Rank.OVERRIDE,
        until=now + timedelta(seconds=lasts_s),
        why=why,
        **bounds,
    )


def full_power_w(info: MinerInfo) -> float | None:
    """Return the most a miner draws by what is known of it."""
    levels = [level.power_w for level in info.power_levels]
    return info.max_power_w or (max(levels) if levels else None) or info.rated_power_w


def _order(act: Order, miner: str, info: MinerInfo, now: datetime, site: str) -> DeviceOrder:
    if NEEDS[act.command] not in info.capabilities:
        raise _cannot(info, act.command.value.replace("_", " "))
    if act.command is Command.SET_POOL and not (act.params.url and act.params.worker):
        raise wrong("params", "set_pool needs params.url and params.worker")
    if act.command is Command.SET_FREQUENCY and act.params.frequency_mhz is None:
        raise wrong("params.frequency_mhz", "set_frequency needs params.frequency_mhz")
    return DeviceOrder(
        site=site,
        at=now,
        miner=miner,
        source=SOURCE,
        id=new_id("o"),
        command=act.command,
        params=act.params,
        expires_at=now + ORDER_LASTS,
    )


def _bounds(act: PowerLimit | PowerPercent | PowerOn | PowerOff, info: MinerInfo) -> dict[str, float]:
    """Return the bid's figures."""
    if isinstance(act, PowerOff):
        if Capability.SLEEP not in info.capabilities:
            least = f"; {info.min_power_w:g} W is the least it draws" if info.min_power_w else ""
            raise _cannot(info, f"sleep{least}")
        return {"cap_w": 0.0}
    full_w = full_power_w(info)
    if isinstance(act, PowerOn):
        if full_w is None:
            raise _cannot(info, "be told a power: its full power is not known")
        return {"floor_w": full_w}
    if not {Capability.POWER_LIMIT, Capability.POWER_PERCENT, Capability.SLEEP} & {*info.capabilities}:
        raise _cannot(info, "be told a power")
    if isinstance(act, PowerPercent):
        if full_w is None:
            raise Problem(409, "conflict", f"the full power of {info.miner} is not known; say watts instead")
        power_w = full_w * act.pct / 100
    else:
        power_w = act.power_w
        _check_reach(power_w, act.bound, info, full_w)
    return dict.fromkeys(_FIGURES[act.bound], power_w)


_FIGURES: Mapping[str, tuple[str, ...]] = {
    "exactly": ("cap_w", "floor_w"),
    "at_most": ("cap_w",),
    "at_least": ("floor_w",),
}


def _check_reach(power_w: float, bound: str, info: MinerInfo, full_w: float | None) -> None:
    if bound != "at_most" and full_w is not None and power_w > full_w:
        raise wrong("power_w", f"{power_w:g} W is more than {info.miner} can draw", f"at most {full_w:g}")
    least_w = info.min_power_w
    if bound == "exactly" and least_w is not None and 0 < power_w < least_w:
        raise wrong(
            "power_w", f"{power_w:g} W is less than {info.miner} runs at", f"at least {least_w:g}, or power_off"
        )


def _cannot(info: MinerInfo, what: str) -> Problem:
    who = " ".join(word for word in (info.make, info.model) if word) or info.miner
    return Problem(409, "unsupported", f"{info.miner} ({who}) cannot {what}")
