"""The power steps of an Avalon: which model has which, and how many watts each of them is. Pure.

The firmware tells the power that it aims at in the step in force (`MPO`). For the other steps the vendor's figures
stand here, or, where it gives none, shares of the rated power; both are scaled by what `MPO` says now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hashbus.models import rated
from hashbus_poller.drivers.avalon.mm import Fields, Machine, Shape

MAKE = "Avalon"
FIELD_OF = MappingProxyType({"workmode": "WORKMODE", "worklevel": "WORKLEVEL"})
OLDEST_WITH_MODES = 1000
"""The 10xx is the first with work modes."""


@dataclass(frozen=True, slots=True)
class Step:
    """One work mode or level; watts by the data sheet, or a share of the rated power."""

    number: int
    name: str
    power_w: float | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Ladder:
    """The steps of a model, and the option of `ascset` that takes them."""

    option: str
    steps: tuple[Step, ...]
    at_once: bool = True


# Canaan's data sheets of the Avalon Q and the Nano 3 and 3S; the eco level of the Mini 3 is an estimate.
HOME: Mapping[str, Ladder] = MappingProxyType(
    {
        "q": Ladder("workmode", (Step(0, "eco", 800), Step(1, "standard", 1300), Step(2, "super", 1674))),
        "nano3s": Ladder("workmode", (Step(0, "low", 65), Step(1, "medium", 100), Step(2, "high", 140))),
        "nano3": Ladder("worklevel", (Step(0, "low", 65), Step(1, "medium", 100), Step(2, "high", 140))),
        "mini3": Ladder("worklevel", (Step(-1, "eco", 500), Step(0, "super", 800))),
    }
)

# The A10 manual gives a 1047 31 TH/s in the normal mode and 37 in the fast one; the power follows faster than the rate.
INDUSTRIAL = (Step(0, "normal", share=0.8), Step(1, "high performance", share=1.0))

HEAT_MODES: Mapping[float, str] = MappingProxyType({0: "heating", 1: "mining", 2: "night"})
"""What the work modes of a Mini 3 are: how it blows, not how much it draws."""


def model_of(unit: Fields) -> str | None:
    """Return the model that the version of the MM firmware begins with: `1366-...`, `Nano3s-...`, `8411706-...`."""
    name = (unit.text("Ver") or "").partition("-")[0]
    is_old = len(name) == 7 and name.isdecimal()  # 841 and a date
    return (name[:3] if is_old else name) or None


def key_of(model: str | None) -> str:
    """Return the one spelling of a model for the tables here."""
    return (model or "").lower().replace(" ", "").replace("_", "").partition("-")[0]


def ladder_of(machine: Machine, model: str | None) -> Ladder | None:
    """Return the steps of this miner; None where it has none, or does not tell which one is in force."""
    key = key_of(model)
    ladder = HOME.get(key)
    if ladder is None:
        is_home = machine.shape is Shape.SUMMARY
        digits = key.removeprefix("a")[:4]
        is_too_old = digits.isdecimal() and len(digits) == 3 and not is_home
        if machine.shape is Shape.MODULES or is_too_old:
            return None
        ladder = Ladder("workmode", INDUSTRIAL, at_once=is_home)
    return ladder if machine.first.has(FIELD_OF[ladder.option]) else None


def number_now(ladder: Ladder, unit: Fields) -> int | None:
    """Return the number of the step in force."""
    value = unit.number(FIELD_OF[ladder.option])
    return None if value is None else int(value)


def watts(ladder: Ladder, unit: Fields, model: str | None) -> dict[int, float]:
    """Return the watts of each step by its number; nothing where neither data sheet nor miner tells any."""
    sheet = rated(MAKE, model) if model else None
    rated_w = sheet.rated_power_w if sheet else None
    aim_w, now = unit.number("MPO"), number_now(ladder, unit)
    told = {step.number: step.power_w or step.share * (rated_w or 1.0) for step in ladder.steps}
    if aim_w and aim_w > 0 and now in told:
        return {number: float(round(power_w * aim_w / told[now])) for number, power_w in told.items()}
    is_known = rated_w is not None or all(step.power_w for step in ladder.steps)
    return {number: float(round(power_w)) for number, power_w in told.items()} if is_known else {}


def limit_w(machine: Machine) -> float | None:
    """Return the power that the step in force aims at; None where the miner has no steps and tells no aim."""
    unit = machine.first
    aim_w = unit.number("MPO")
    if aim_w and aim_w > 0:
        return aim_w
    model = model_of(unit)
    ladder = ladder_of(machine, model)
    now = number_now(ladder, unit) if ladder else None
    return watts(ladder, unit, model).get(now) if ladder and now is not None else None


def chosen(ladder: Ladder, by_number: Mapping[int, float], power_w: float) -> Step | None:
    """Return the highest step that draws no more than that; None when even the lowest does."""
    fitting = [step for step in ladder.steps if by_number.get(step.number, float("inf")) <= power_w + 0.5]
    return max(fitting, key=lambda step: by_number[step.number], default=None)
