"""What differs between the generations of stock Antminer firmware."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation: where its boards sit, how it takes its configuration and how it sleeps.

    `slots` is the number of board slots in `stats`, `first_slot` that of the first board. `sleep_mode` is the
    work mode that stops hashing (None: it cannot). `is_modern`: JSON configuration and the pages of S19 and later.
    """

    slots: int
    first_slot: int
    sleep_mode: str | None
    is_modern: bool
    description: str
    miner_version: str


S9 = Generation(16, 6, None, is_modern=False, description="bmminer 2.0.0", miner_version="30.0.1.3")
S17 = Generation(16, 1, "254", is_modern=False, description="bmminer 1.0.0", miner_version="49.0.1.3")
S19 = Generation(4, 1, "1", is_modern=True, description="cgminer 1.0.0", miner_version="uart_trans.1.3")


def generation_of(model_name: str) -> Generation:
    """The generation that a model belongs to."""
    series = model_name.removeprefix("Antminer ")[:3]
    if series[1:2] == "9" and not series[2:].isdecimal():
        return S9
    return S17 if series[1:] == "17" else S19
