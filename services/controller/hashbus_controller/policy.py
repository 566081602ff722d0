"""What a policy is: a value that hears messages into a frozen memory of its own, and bids for power from it.

How to add one: docs/explanation/control.md. No policy is named outside of `registry.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

from hashbus.messages import Message, MinerInfo, MinerTelemetry, PolicyMemory
from hashbus.step import Tick
from hashbus_controller.bids import Bid
from hashbus_controller.held import Held

Memory = TypeVar("Memory")
Read = TypeVar("Read", contravariant=True)  # noqa: PLC0105 - a memory that is only read


class SiteView(Protocol):
    """What every policy may read of the site besides its own memory; all of it frozen."""

    @property
    def site(self) -> str:
        """Return the site's id."""
        ...

    @property
    def infos(self) -> Mapping[str, MinerInfo]:
        """Return who the miners are and what a change of their power costs."""
        ...

    @property
    def readings(self) -> Mapping[str, MinerTelemetry]:
        """Return the last reading of each miner; it may be stale, so ask it `is_stale(now)`."""
        ...

    @property
    def held(self) -> Mapping[str, Held]:
        """Return what was last decided for each miner: its setpoint, since when, and who won."""
        ...

    @property
    def is_enabled(self) -> bool:
        """Say whether automatic control is switched on (S2.8)."""
        ...


class Policy(Protocol[Memory]):
    """One reason to want more or less power. Pure: the same memory, site and moment always give the same bids."""

    @property
    def name(self) -> str:
        """Return its name, unique at this controller: the name of its bids and of its memory."""
        ...

    @property
    def hears(self) -> tuple[type[Message], ...]:
        """Return what it listens to. A `Tick` comes to every policy, once a second."""
        ...

    def begins(self) -> Memory:
        """Return what it remembers before it has heard anything."""
        ...

    def heard(self, memory: Memory, message: Message | Tick, now: datetime, site: SiteView) -> Memory:
        """Take in a message of a kind it hears, or that time has passed; the very same memory when nothing changed."""
        ...

    def bids(self, memory: Memory, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Return what it wants now; nothing is a good answer. Each bid ends by itself unless it is made again."""
        ...


@runtime_checkable
class Remembers(Protocol[Memory]):
    """A policy of which something must survive a restart; it goes by name into ControlState."""

    def kept(self, memory: Memory) -> PolicyMemory:
        """Return what must survive. It is published when it changes: leave out what moves with every reading."""
        ...

    def recalled(self, memory: Memory, kept: PolicyMemory) -> Memory:
        """Take back, once after a start, what an earlier run kept; a name that is not there is no mistake."""
        ...


@runtime_checkable
class Waits(Protocol[Read]):
    """A policy that must hear something before its miners are touched after a start."""

    def waits_for(self, memory: Read) -> str | None:
        """Return in words what it still waits for; None when it has heard it."""
        ...


@runtime_checkable
class Tells(Protocol[Read]):
    """A policy that publishes messages of its own, such as the state of a heating zone."""

    def tells(self, memory: Read, now: datetime, site: SiteView) -> tuple[Message, ...]:
        """Return its messages as they stand now; each is said when anything in it but `at` has changed."""
        ...


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of a site, and which of them can do what; found once, for it is asked every second."""

    every: tuple[Policy[Any], ...] = ()
    remembering: tuple[tuple[str, Remembers[Any]], ...] = ()
    waiting: tuple[tuple[str, Waits[Any]], ...] = ()
    telling: tuple[tuple[str, Tells[Any]], ...] = ()


def sorted_out(policies: Iterable[Policy[Any]]) -> Policies:
    """Return policies by what they can do; ValueError when two have the same name."""
    every = tuple(policies)
    names = [policy.name for policy in every]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two policies are called {', '.join(twice)}")
    return Policies(
        every,
        tuple((policy.name, policy) for policy in every if isinstance(policy, Remembers)),
        tuple((policy.name, policy) for policy in every if isinstance(policy, Waits)),
        tuple((policy.name, policy) for policy in every if isinstance(policy, Tells)),
    )
