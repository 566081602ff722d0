"""How a miner warms up and cools down."""

from math import exp

from hashbus_simulator.models import Cooling

CHIP_TAU_S = 60.0
BODY_TAU_S = 400.0  # heat sink and chassis, or the liquid in the loop
# Kelvin above the surroundings at rated power, chosen so that a miner at 22-25 C ambient shows the figures
# of PROTOCOLS.md 1.6 (liquid 49 C, chips 66-78 C) and 3.5 (boards 62 C, chips 76 C).
BODY_RISE_K = {Cooling.AIR: 36.0, Cooling.LIQUID: 25.0}
CHIP_RISE_K = {Cooling.AIR: 18.0, Cooling.LIQUID: 20.0}
BOARD_PART = 0.4  # circuit boards sit between body and chips


class Heat:
    """Two masses: the body (heat sinks, or the liquid) and the chips above it. All figures in degrees Celsius."""

    __slots__ = ("_chip_rise_k", "_cooling", "body_c")

    def __init__(self, cooling: Cooling, ambient_c: float, share: float) -> None:
        self._cooling = cooling
        self.body_c = ambient_c + BODY_RISE_K[cooling] * share
        self._chip_rise_k = CHIP_RISE_K[cooling] * share

    def advance(self, dt_s: float, *, ambient_c: float, share: float) -> None:
        """Follow the power, given as a share of the rated power, for `dt_s` seconds."""
        self.body_c = toward(self.body_c, ambient_c + BODY_RISE_K[self._cooling] * share, dt_s, BODY_TAU_S)
        self._chip_rise_k = toward(self._chip_rise_k, CHIP_RISE_K[self._cooling] * share, dt_s, CHIP_TAU_S)

    @property
    def chip_c(self) -> float:
        """Mean chip temperature."""
        return self.body_c + self._chip_rise_k

    @property
    def board_c(self) -> float:
        """Mean temperature of the circuit boards."""
        return self.body_c + BOARD_PART * self._chip_rise_k


def toward(value: float, goal: float, dt_s: float, tau_s: float) -> float:
    """First-order lag: exact for a constant goal, however long the step."""
    return goal + (value - goal) * exp(-dt_s / tau_s)
