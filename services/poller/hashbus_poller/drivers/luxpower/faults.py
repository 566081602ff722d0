"""The bits of the fault and warning registers in words, with what to do about it.

Bits of PROTOCOLS.md 5.4; the others are those on which two public clients agree in substance (the numbers are printed
as E0nn and W0nn in the vendor's manuals). A bit that nobody has explained is told as such, beside its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from hashbus.messages import MinerError

FAULTS: Mapping[int, str] = MappingProxyType(
    {
        0: "internal communication lost (1): restart the inverter, then call the vendor",
        1: "wrong model setting: call the vendor",
        8: "communication between parallel inverters lost: check the cable between them",
        9: "the first of the parallel inverters is missing: check their settings and cable",
        11: "parallel inverters see different grids: check the wiring of the grid side",
        12: "short circuit on the backup output: disconnect the loads",
        13: "current flows back into the backup output: nothing else may feed it",
        14: "short circuit on the internal bus: call the vendor",
        15: "phases of a three-phase system are wrong: check the wiring of the grid side",
        16: "relay check failed: restart the inverter, then call the vendor",
        17: "internal communication lost (2): restart the inverter, then call the vendor",
        18: "internal communication lost (3): restart the inverter, then call the vendor",
        19: "internal bus voltage too high: check the voltage of the panels",
        20: "backup output wired wrong: grid and backup side may be swapped",
        21: "panel voltage too high: too many panels in a row",
        22: "overcurrent: check the loads, then restart the inverter",
        23: "neutral and earth apart: check the neutral wire",
        24: "short circuit of the panels: check their wiring",
        25: "heat sink temperature out of range: let air reach the inverter",
        26: "internal fault: restart the inverter, then call the vendor",
        27: "its two processors disagree: restart the inverter, then call the vendor",
        31: "internal communication lost (4): restart the inverter, then call the vendor",
    }
)

WARNINGS: Mapping[int, str] = MappingProxyType(
    {
        0: "no communication with the battery: check its cable and the battery type setting",
        1: "arc detector does not answer: restart the inverter, then call the vendor",
        3: "no communication with the meter: check its cable",
        4: "the battery allows neither charging nor discharging: look at its own display or app",
        5: "self-test failed: restart the inverter, then call the vendor",
        7: "display does not answer: check its cable; the inverter works without it",
        8: "firmware versions do not match: update the firmware",
        9: "a fan is stuck: clean or replace it",
        13: "too hot: let air reach the inverter",
        15: "battery connected the wrong way round: switch off at once and swap its cables",
        16: "no grid: it waits for the mains; if others have them, check the breaker",
        17: "grid voltage out of range: it waits; if that lasts, call the grid operator",
        18: "grid frequency out of range: it waits; if that lasts, call the grid operator",
        20: "insulation of the panels is low: check for damp plugs and damaged cables",
        21: "leakage current too high: check panels and wiring for damp and damage",
        22: "direct current in the output too high: restart the inverter, then call the vendor",
        23: "short circuit of the panels: check their wiring",
        25: "battery voltage too high: check the battery type and its charge voltage setting",
        26: "battery voltage too low: charge it, and check its cut-off setting",
        27: "battery disconnected: check its breaker",
        28: "backup output overloaded: fewer loads",
        29: "backup output voltage too high: disconnect the loads and restart the inverter",
        30: "meter connected the wrong way round: turn its clamps around",
        31: "direct voltage in the output too high: restart the inverter, then call the vendor",
    }
)


UNEXPLAINED = "a code that the vendor does not explain: look it up on its display, or call the vendor"


def errors(*, faults: int, warnings: int) -> tuple[MinerError, ...]:
    """Return what the bits of the two registers say, faults first."""
    return (*_told("E", faults, FAULTS), *_told("W", warnings, WARNINGS))


def _told(letter: str, bits: int, texts: Mapping[int, str]) -> Iterator[MinerError]:
    for bit in range(32):
        if bits >> bit & 1:
            yield MinerError(code=f"{letter}{bit:03d}", text=texts.get(bit, UNEXPLAINED))
