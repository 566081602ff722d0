"""Figures as people read them: three digits that matter, and the unit that fits."""

from __future__ import annotations

NONE = "-"

_WATTS = ((1e9, "GW"), (1e6, "MW"), (1e4, "kW"))
_TERAHASHES = ((1e6, 1e6, "EH/s"), (1e4, 1e3, "PH/s"))


def clean(text: str) -> str:
    """Return a text that came from outside, with what would move the cursor or the colours replaced by a dot.

    A miner may call itself anything, also the sequence that clears a terminal.
    """
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "·" for sign in text)


def watts(power_w: float | None) -> str:
    """Write a power: 18 W, 3600 W, 12.4 kW, 4.99 MW."""
    if power_w is None:
        return NONE
    size = abs(power_w)
    for bound, unit in _WATTS:
        if size >= bound:
            return f"{digits(power_w / (1e3 if unit == 'kW' else bound))} {unit}"
    return f"{power_w:.0f} W"


def hashrate(hashrate_ths: float | None) -> str:
    """Write a hashrate: 1.21 TH/s, 212 TH/s, 15.2 PH/s."""
    if hashrate_ths is None:
        return NONE
    for bound, divisor, unit in _TERAHASHES:
        if hashrate_ths >= bound:
            return f"{digits(hashrate_ths / divisor)} {unit}"
    return f"{hashrate_ths:.2f} TH/s" if hashrate_ths < 10 else f"{hashrate_ths:.1f} TH/s"


def age(seconds: float) -> str:
    """Write how old something is: 3 s, 12 min, 5 h, 3 d."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86_400:.0f} d"


def celsius(temperature_c: float | None) -> str:
    """Write a temperature: 72°."""
    return NONE if temperature_c is None else f"{temperature_c:.0f}°"


def digits(value: float) -> str:
    """Write a number with three digits."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
