"""How much heat a litre of liquid carries: density and specific heat by temperature; pure.

Water: IAPWS-95 at atmospheric pressure. Mixtures of glycol and water: Melinder, Properties of Secondary Working
Fluids for Indirect Systems (IIR, 2010), by mass fraction. Between the figures a straight line is drawn, which is
within 0.1 % for water and 0.3 % for the mixtures.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType


class Fluid(StrEnum):
    """What flows in the loop."""

    WATER = "water"
    ETHYLENE_GLYCOL = "ethylene_glycol"
    PROPYLENE_GLYCOL = "propylene_glycol"


MOST_GLYCOL_PCT = 50.0
"""More glycol carries less heat and freezes no later; the tables end there."""

AT_C = (0.0, 20.0, 40.0, 60.0, 80.0)
Row = tuple[float, ...]

# By mass of glycol in per cent: density in kg/m3 and specific heat in J/(kg K) at the temperatures above.
WATER: tuple[Row, Row] = ((999.8, 998.2, 992.2, 983.2, 971.8), (4219, 4184, 4179, 4185, 4197))
TABLES: Mapping[Fluid, Mapping[float, tuple[Row, Row]]] = MappingProxyType(
    {
        Fluid.WATER: {0: WATER},
        Fluid.ETHYLENE_GLYCOL: {
            0: WATER,
            20: ((1029.1, 1024.1, 1016.4, 1006.2, 993.8), (3861, 3896, 3933, 3969, 4005)),
            30: ((1045.0, 1038.0, 1028.8, 1017.5, 1004.3), (3658, 3718, 3775, 3829, 3878)),
            40: ((1060.4, 1051.9, 1041.4, 1029.1, 1015.4), (3434, 3519, 3598, 3670, 3734)),
            50: ((1074.6, 1064.9, 1053.4, 1040.5, 1026.4), (3203, 3312, 3413, 3503, 3582)),
        },
        Fluid.PROPYLENE_GLYCOL: {
            0: WATER,
            20: ((1020.1, 1014.8, 1006.4, 995.6, 983.2), (3936, 3977, 4019, 4061, 4102)),
            30: ((1031.6, 1023.8, 1013.4, 1001.2, 987.6), (3803, 3857, 3910, 3962, 4012)),
            40: ((1042.4, 1032.3, 1020.1, 1006.3, 991.6), (3642, 3707, 3771, 3834, 3896)),
            50: ((1050.9, 1039.1, 1025.4, 1010.5, 994.9), (3453, 3530, 3607, 3683, 3760)),
        },
    }
)


def heat_per_litre_j(fluid: Fluid, glycol_pct: float, temperature_c: float) -> float:
    """Return the joules that warm one litre by one kelvin: density times specific heat.

    `glycol_pct` is by mass, 0 to 50; outside the tables (0 to 80 degrees Celsius) the nearest figure counts.
    """
    rows = TABLES[fluid]
    shares = list(rows)
    density = [_between(AT_C, rows[share][0], temperature_c) for share in shares]
    heat = [_between(AT_C, rows[share][1], temperature_c) for share in shares]
    return _between(shares, density, glycol_pct) / 1000 * _between(shares, heat, glycol_pct)


def _between(places: Sequence[float], values: Sequence[float], place: float) -> float:
    """Return the value at a place on the line through the values; beyond the ends the last one."""
    after = bisect_right(places, place)
    if after == 0:
        return values[0]
    if after == len(places):
        return values[-1]
    share = (place - places[after - 1]) / (places[after] - places[after - 1])
    return values[after - 1] + share * (values[after] - values[after - 1])
