"""What tells one generation of Avalons from another (PROTOCOLS.md 3.7; vendor's A10 API manual v0.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Shape(Enum):
    """How the MM string is packed into `stats`."""

    MODULES = "modules"  # `MM ID1` to `MM IDn`, one for each unit on the controller
    WHOLE = "whole"  # one `MM ID0`
    SUMMARY = "summary"  # `MM ID0:Summary`, and the chips apart in `HBinfo`


@dataclass(frozen=True, slots=True)
class Step:
    """One work mode or level: its number and its share of the rated power."""

    number: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One generation.

    `options` is what `ascset 0,help` lists, `hidden` what works all the same; without any, `help` is unknown.
    `step_option` is what sets the power step, in the form `set,N` where `has_set_word`, and only at the next reboot
    where not. `supply_numbers` are those of `PS[...]`; the seventh is the power at the wall.
    """

    product: str
    model: str
    hwtype: str
    device_id: str
    shape: Shape
    options: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    step_option: str | None = None
    steps: tuple[Step, ...] = (Step(0, 1.0),)
    has_set_word: bool = False
    supply_numbers: int = 7
    has_setpool_command: bool = False
    asleep_code: int = 5
    tells_unix_time: bool = False

    def knows(self, option: str) -> bool:
        """Whether `ascset` has that option."""
        return option in self.options or option in self.hidden


NORMAL_AND_FAST = (Step(0, 0.8), Step(1, 1.0))
INDUSTRIAL = (
    "help", "voltage", "fan-spd", "frequency", "led", "reboot", "bootby", "hashpower", "softoff", "softon", "workmode",
    "setpool", "password", "ip", "dns",
)  # fmt: skip
HOME = (
    "help", "voltage", "fan-spd", "lcd", "hash-sn-read", "hash-sn-write", "volt-tuning", "workmode", "worklevel",
    "work_mode_lvl", "reboot", "softon", "softoff", "filter-clean", "facopts", "faclock", "frequency", "loop",
    "password", "qr_auth", "time",
)  # fmt: skip


def _industrial(number: str, hwtype: str) -> Generation:
    return Generation(
        product=f"AvalonMiner {number}",
        model=number,
        hwtype=hwtype,
        device_id="AVA100",
        shape=Shape.WHOLE,
        options=INDUSTRIAL,
        step_option="workmode",
        steps=NORMAL_AND_FAST,
    )


def _home(name: str, hwtype: str, option: str, steps: tuple[Step, ...]) -> Generation:
    return Generation(
        product=f"Avalon {name}",
        model=name.replace(" ", ""),
        hwtype=hwtype,
        device_id="AVALON0",
        shape=Shape.SUMMARY,
        options=HOME,
        step_option=option,
        steps=steps,
        has_set_word=True,
        has_setpool_command=True,
        asleep_code=4,
        tells_unix_time=True,
    )


GENERATIONS: Mapping[str, Generation] = MappingProxyType(
    {
        "Avalon 841": Generation(
            product="AvalonMiner 841",
            model="841",
            hwtype="MM3v1_X3",
            device_id="AV80",
            shape=Shape.MODULES,
            options=("pdelay", "fan", "frequency", "led", "voltage"),
            hidden=("help", "voltage-level", "reboot", "hashpower"),
            supply_numbers=0,
        ),
        "Avalon 1047": Generation(
            product="AvalonMiner 1047",
            model="1047",
            hwtype="MM3v2",
            device_id="AVA100",
            shape=Shape.WHOLE,
            hidden=("reboot", "led", "workmode", "setpool", "ip", "dns", "hashpower"),
            step_option="workmode",
            steps=NORMAL_AND_FAST,
            supply_numbers=6,
        ),
        "Avalon 1246": _industrial("1246", "MM4v1_X3"),
        "Avalon 1366": _industrial("1366", "MM4v2_X3"),
        "Avalon 1566": _industrial("1566", "MM4v3_X3"),
        "Avalon A16": _home("A16", "MM5v1_X3", "workmode", NORMAL_AND_FAST),
        "Avalon Q": _home(
            "Q", "Q_MM1v1_X1", "workmode", (Step(0, 800 / 1674), Step(1, 1300 / 1674), Step(2, 1.0))
        ),
        "Avalon Mini 3": _home("Mini 3", "MINI_MM1v1_X1", "worklevel", (Step(-1, 0.625), Step(0, 1.0))),
        "Avalon Nano 3S": _home(
            "Nano 3S", "N_MM1v1_X1", "workmode", (Step(0, 65 / 140), Step(1, 100 / 140), Step(2, 1.0))
        ),
    }
)  # fmt: skip
