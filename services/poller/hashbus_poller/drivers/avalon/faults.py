"""The faults that an Avalon reports of itself, as bits of three numbers.

Bits of the supply: appendix 1 of the vendor's A10 API manual. Bits of boards (`ECHU`) and controller (`ECMM`): the
vendor's guide to the AvalonMiner 7 and 8 series; that later generations kept them is what repair shops see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from hashbus.messages import MinerError

SUPPLY: Mapping[int, str] = MappingProxyType(
    {
        1: "mains voltage too low; check the socket and the cable",
        2: "too hot (first sensor); check its fan and the air that it takes in",
        4: "too hot (second sensor); check its fan and the air that it takes in",
        8: "too hot (third sensor); check its fan and the air that it takes in",
        16: "too much current from the mains; lower the power level, then have the supply looked at",
        32: "output voltage too low; a board or the supply is worn out",
        64: "too much output current; a board has a short circuit",
        128: "the halves of the supply share the current unevenly; replace the supply if that lasts",
        256: "too much current to the first board; look for a short circuit on it",
        512: "too much current to the second board; look for a short circuit on it",
        1024: "too much current to the third board; look for a short circuit on it",
        2048: "its fan failed; cut the mains for ten seconds, then clean or change it",
    }
)

BOARD: Mapping[int, str] = MappingProxyType(
    {
        1: "idle; no work comes from the pool or from the controller",
        2: "the line to the controller has errors; check its cable",
        4: "no fan turns; check fan and plug",
        8: "locked by the vendor; only the vendor can open it",
        16: "chips take their work too slowly; restart mining",
        32: "results came faster than they were fetched; it goes away by itself",
        64: "too hot; check fans, dust and the air that it takes in",
        128: "was too hot before; check fans, dust and paste",
        256: "the chain of chips is broken; a chip or a connector is bad",
        512: "some cores failed their test; restart mining, and have the board repaired if nothing hashes",
        1024: "its regulator does not answer; check the cables, then have the board repaired",
        2048: "a regulator gives no power; check the cables, then have the board repaired",
        4096: "a temperature sensor failed; restart, then have the board repaired",
        8192: "its voltage is wrong; check power supply and cables",
        16384: "the voltage of its cores is wrong; check power supply and cables",
        32768: "the line to its regulator has errors; check its cable",
        65536: "an invalid frequency is set; restart mining",
    }
)

CORES_FAILED = 512
"""Boards that work as they should show this for years; it counts only where nothing hashes."""


def supply_errors(code: float | None) -> tuple[MinerError, ...]:
    """Return what the first number of `PS` says."""
    return tuple(_errors("PS", "power supply", SUPPLY, code))


def board_errors(board: int, code: float | None, *, is_hashing: bool) -> tuple[MinerError, ...]:
    """Return what the number of one board in `ECHU` says."""
    return tuple(_errors(f"ECHU{board}", f"hashboard {board}", BOARD, serious(code, is_hashing=is_hashing)))


def controller_errors(code: float | None) -> tuple[MinerError, ...]:
    """Return what `ECMM` says."""
    return tuple(_errors("ECMM", "controller", BOARD, code))


def fan_errors(codes: Sequence[float | None]) -> tuple[MinerError, ...]:
    """Return what `FanErr` of home models says; its bits are told nowhere."""
    return tuple(
        MinerError(code=f"FanErr={code:.0f}", text="a fan does not turn as it should") for code in codes[:1] if code
    )


def serious(code: float | None, *, is_hashing: bool) -> int:
    """Return the bits of a board that mean something is wrong with it."""
    bits = int(code or 0) & 0xFFFFFFFF
    return bits & ~CORES_FAILED if is_hashing else bits


def _errors(name: str, what: str, table: Mapping[int, str], code: float | None) -> Iterator[MinerError]:
    bits = int(code or 0) & 0xFFFFFFFF
    while bits:
        bit = bits & -bits
        bits ^= bit
        yield MinerError(
            code=f"{name}={bit}", text=f"{what}: {table.get(bit, 'a fault that the vendor does not name')}"
        )
