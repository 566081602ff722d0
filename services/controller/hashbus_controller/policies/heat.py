"""Heating: each zone gets the warmth it needs from its miners, at the powers they can take, with few changes.

Pure glue: what is heard goes into a frozen memory, every few seconds each zone moves on (`heat/zone.py`), and what is
asked and told stands ready in the memory until something in it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from hashbus.messages import (
    HeatProgram,
    HeatState,
    Message,
    PolicyMemory,
    ProfileRequest,
    SensorTelemetry,
    ZoneRequest,
    ZoneState,
)
from hashbus.step import Tick
from hashbus_controller.bids import Bid
from hashbus_controller.heat import choices, knowing, room
from hashbus_controller.heat.knowing import Known
from hashbus_controller.heat.room import Room
from hashbus_controller.heat.settings import HeatSettings, full_name
from hashbus_controller.heat.summary import house_state
from hashbus_controller.heat.zone import Zone, advanced, recalled
from hashbus_controller.policy import SiteView

ROUND = timedelta(seconds=5)
"""Rooms and water move in minutes; so often is soon enough."""

SETTLING = timedelta(seconds=3)
"""After a start the broker hands out what an earlier run said; the zones go on from that."""

PATIENCE = timedelta(seconds=60)
"""So long after a start a thermometer that has told nothing yet is waited for: its zone is not blind, only young."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the heating knows, its zones, and what stands ready to be asked and told."""

    known: Known = field(default_factory=Known)
    rooms: Mapping[str, Room] = field(default_factory=dict)
    began_at: datetime | None = None
    moved_at: datetime | None = None
    house: HeatState | None = None
    bids: tuple[Bid, ...] = ()


@dataclass(frozen=True)
class Heat:
    """The heating of the site."""

    settings: HeatSettings
    time_zone: str = "UTC"
    is_fast: bool = False
    """Whether tuned miners are modulated below their limits, where their firmware can."""

    @property
    def name(self) -> str:
        """Return the name of its memory."""
        return "heat"

    @property
    def hears(self) -> tuple[type[Message], ...]:
        """Return what it listens to; its own states are what an earlier run remembered."""
        return (SensorTelemetry, ProfileRequest, ZoneRequest, HeatProgram, ZoneState, HeatState)

    @cached_property
    def _sensors(self) -> frozenset[str]:
        """Return the sensors that anything here listens to."""
        zones = self.settings.zones.values()
        inputs = [*self.settings.outdoor.inputs, *(one for zone in zones for one in (*zone.inputs, *zone.room_inputs))]
        contacts = (name for zone in zones for name in zone.window.contacts)
        return frozenset(full_name(name) for name in (*contacts, *(one.sensor for one in inputs if one.sensor)))

    @cached_property
    def _clock(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def begins(self) -> Memory:
        """Return zones of which nothing is known yet."""
        return Memory(known=Known(is_fast=self.is_fast), rooms={name: Room() for name in self.settings.zones})

    def heard(self, memory: Memory, message: Message | Tick, now: datetime, site: SiteView) -> Memory:
        """Take in a temperature, a contact, a choice, a program, or that time has passed."""
        match message:
            case Tick():
                return self._ticked(memory, now, site)
            case SensorTelemetry():
                return self._with_sensor(memory, message)
            case ProfileRequest() | ZoneRequest():
                return self._with_choice(memory, message, now, site)
            case HeatProgram():
                return self._with_program(memory, message, now, site)
            case ZoneState() | HeatState():
                return _recalled_from(memory, message, now)
        return memory

    def bids(self, memory: Memory, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Return what the zones ask for."""
        return memory.bids

    def tells(self, memory: Memory, now: datetime, site: SiteView) -> tuple[Message, ...]:
        """Return the state of each zone and of the house."""
        states = tuple(one.state for one in memory.rooms.values() if one.state is not None)
        return states if memory.house is None else (*states, memory.house)

    def waits_for(self, memory: Memory) -> str | None:
        """Return what must be known before a miner is changed after a start."""
        return "the temperatures of its zones" if memory.moved_at is None and memory.rooms else None

    def kept(self, memory: Memory) -> PolicyMemory:
        """Return what people chose: a request for one zone does not stay on the bus when its sender chooses again."""
        return choices.kept(memory.known.choices)

    def recalled(self, memory: Memory, kept: PolicyMemory) -> Memory:
        """Take back what people chose."""
        taken = {**choices.recalled(kept), **memory.known.choices}
        return replace(memory, known=replace(memory.known, choices=taken))

    def _with_sensor(self, memory: Memory, told: SensorTelemetry) -> Memory:
        key = f"{told.source}/{told.sensor}"
        if key not in self._sensors:
            return memory
        return replace(memory, known=replace(memory.known, sensors={**memory.known.sensors, key: told}))

    def _with_choice(
        self, memory: Memory, request: ProfileRequest | ZoneRequest, now: datetime, site: SiteView
    ) -> Memory:
        if request.zone is not None and request.zone not in self.settings.zones:
            return memory
        # A clock that goes ahead must not make one choice the newest for ever.
        request = request.model_copy(update={"at": min(request.at, now)})
        chosen = choices.with_request(memory.known.choices, request)
        if chosen is memory.known.choices:
            return memory
        return self._answered(replace(memory, known=replace(memory.known, choices=chosen)), now, site)

    def _with_program(self, memory: Memory, program: HeatProgram, now: datetime, site: SiteView) -> Memory:
        newest = memory.known.programs.get(program.zone)
        program = program.model_copy(update={"at": min(program.at, now)})
        if program.zone not in self.settings.zones or (newest is not None and newest.at >= program.at):
            return memory
        programs = {**memory.known.programs, program.zone: program}
        return self._answered(replace(memory, known=replace(memory.known, programs=programs)), now, site)

    def _answered(self, memory: Memory, now: datetime, site: SiteView) -> Memory:
        """Follow a person at once, unless the start is still settling."""
        return memory if memory.moved_at is None else self._moved(memory, now, site)

    def _ticked(self, memory: Memory, now: datetime, site: SiteView) -> Memory:
        if memory.moved_at is not None:
            return self._moved(memory, now, site) if abs(now - memory.moved_at) >= ROUND else memory
        if memory.began_at is None:
            # Before the broker is there nothing is heard, and nothing an earlier run said must be overwritten.
            is_heard = bool(site.infos) or bool(memory.known.sensors)
            return replace(memory, began_at=now) if is_heard else memory
        age = abs(now - memory.began_at)
        is_young = age < PATIENCE and knowing.silent(memory.known, self.settings.zones, site, now)
        return memory if age < SETTLING or is_young else self._moved(memory, now, site)

    def _moved(self, memory: Memory, now: datetime, site: SiteView) -> Memory:
        """Move every zone on to this moment."""
        known = knowing.with_members(memory.known, self.settings, site)
        known = knowing.with_weather(known, self.settings.outdoor, site, now)
        rooms = {name: self._room(name, one, known, site, now) for name, one in memory.rooms.items()}
        is_same = all(one.bids is memory.rooms[name].bids for name, one in rooms.items())
        is_told = all(one.state is memory.rooms[name].state for name, one in rooms.items())
        bids = memory.bids if is_same else tuple(bid for one in rooms.values() for bid in one.bids)
        house = memory.house
        if house is None or not is_told:
            states = [one.state for one in rooms.values() if one.state is not None]
            house = house_state(site.site, states, known.choices, known.outdoor, known.mean_outdoor_c, now)
        return replace(memory, known=known, rooms=rooms, bids=bids, house=house, moved_at=now)

    def _room(self, name: str, before: Room, known: Known, site: SiteView, now: datetime) -> Room:
        settings = self.settings.zones[name]
        facts = knowing.facts_of(name, before.zone, known, settings, self._clock, site, now)
        zone = advanced(before.zone, facts)
        return room.told(before, zone, facts, knowing.schedule_of(known, name, settings), site)


def _recalled_from(memory: Memory, said: ZoneState | HeatState, now: datetime) -> Memory:
    """Take back, before the first word of this run, what an earlier one said; later it is only the echo."""
    if memory.moved_at is not None:
        return memory
    if isinstance(said, HeatState):
        is_older = memory.known.at is not None and memory.known.at >= said.at
        mean = replace(memory.known, mean_outdoor_c=said.mean_outdoor_c, at=said.at)
        return memory if is_older else replace(memory, known=mean)
    one = memory.rooms.get(said.zone)
    if one is None or (one.explained_at is not None and one.explained_at >= said.at):
        return memory
    # Notes on disk and the broker may both remember: the newer counts.
    again = Room(recalled(Zone(), said, now), explained_at=said.at)
    return replace(memory, rooms={**memory.rooms, said.zone: again})
