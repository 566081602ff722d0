"""Miners that the collector reads itself (S1.2), with the poller's drivers: where a site has no machine of its own.

This is the second-best way, and off by default: the collector must reach into the miners' networks, their passwords
are in the cloud, and while the line is down nothing is read. So it asks only addresses within the networks that are
written down for it, never names, and only what is a miner; commands are not carried out this way.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from hashbus import logs
from hashbus.collector_record import absence_record, reading_record
from hashbus.config_errors import ConfigError
from hashbus.messages import Health, describe
from hashbus_collector.database import DatabaseAway
from hashbus_collector.receiving import keep, window_of
from hashbus_collector.records import read_batch
from hashbus_collector.uploads import Arrival
from hashbus_poller.client import http_client
from hashbus_poller.drivers.contract import DeviceError, DeviceKind, HostOptions, MinerDriver, Unreachable, Wiring
from hashbus_poller.registry import drivers
from hashbus_poller.settings import device_model
from hashbus_poller.vitals import Thresholds, judge

if TYPE_CHECKING:
    import aiohttp

    from hashbus.messages import MinerIdentity
    from hashbus_collector.collector import Collector
    from hashbus_collector.settings import DirectSettings

LOCK = 0x6861736A
"""Number of the advisory lock that one of several collectors holds while it reads the miners."""

KEY = "direct"
"""What stands in the log of uploads in place of a key."""

TRIES = 2
AGAIN_S = 30.0

log = logs.get("direct")


@dataclass
class DirectMiner:
    """One miner that is read directly."""

    site: str
    name: str
    driver: MinerDriver
    thresholds: Thresholds
    identity: MinerIdentity | None = None
    health: Health = Health.UNKNOWN


class _NoTape:
    def keep(self, question: str, answer: bytes) -> None:
        """Keep nothing: raw answers are for the machine at the site."""


class DirectPath:
    """Reads all miners of the settings round by round and stores what they say as if a site had uploaded it."""

    def __init__(self, parts: Collector) -> None:
        """Check the settings; nothing is connected yet. ConfigError when one is not right."""
        self._parts = parts
        self._settings = parts.settings.direct
        self._options = options_of(self._settings)
        self._slots = asyncio.Semaphore(self._settings.at_once)

    async def run(self) -> None:
        """Read again and again, as long as no other collector does."""
        async with http_client() as http:
            miners = self._miners(http)
            while True:
                try:
                    await self._while_chosen(miners)
                except DatabaseAway as error:
                    log.error("the database is away; no miner is read", problem=str(error))
                await self._parts.clock.sleep(AGAIN_S)

    async def _while_chosen(self, miners: list[DirectMiner]) -> None:
        async with self._parts.database.connection() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                return
            try:
                while True:
                    await self.round(miners)
                    await self._parts.clock.sleep(self._settings.interval_s)
                    await connection.execute("SELECT 1")
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)

    async def round(self, miners: list[DirectMiner]) -> None:
        """Read every miner once, and store what came of it, site by site."""
        records = await asyncio.gather(*(self._record(miner) for miner in miners))
        for site in self._settings.sites:
            body = [record for miner, record in zip(miners, records, strict=True) if miner.site == site]
            await self._store(site, json.dumps(body).encode())

    async def _store(self, site: str, body: bytes) -> None:
        parts, now, begun_s = self._parts, self._parts.clock.now(), self._parts.clock.monotonic()
        if not await parts.views.knows(site):
            log.error("a site that is read directly is not known", site=site, do=f"hashbus cloud sites add {site}")
            return
        batch = read_batch(body, window_of(parts, now), most=parts.settings.limits.miners_per_site)
        await keep(parts, Arrival(site, KEY, now, None, 0, len(body)), batch, begun_s)

    async def _record(self, miner: DirectMiner) -> dict[str, Any]:
        at = self._parts.clock.now()
        async with self._slots:
            try:
                reading = await self._read(miner)
            except DeviceError as error:
                return absence_record(miner.name, at, str(error)[:1000], miner.identity)
        miner.health = judge(reading, miner.thresholds, miner.health)
        return reading_record(miner.name, at, reading, miner.identity, health=miner.health)

    async def _read(self, miner: DirectMiner) -> Any:
        """Read one miner; one that is silent is asked once more, one that says no is not (S1.45)."""
        for last in range(TRIES):
            try:
                if miner.identity is None:
                    miner.identity = await miner.driver.identify()
                return await miner.driver.read()
            except Unreachable as error:
                if error.is_refused or last == TRIES - 1:
                    raise
        raise AssertionError

    def _miners(self, http: aiohttp.ClientSession) -> list[DirectMiner]:
        wiring = Wiring(clock=self._parts.clock, http=lambda: http, tape=_NoTape())
        return [
            DirectMiner(
                site, name, drivers()[options.driver].create(options, wiring), options.thresholds or Thresholds()
            )
            for site, miners in self._options.items()
            for name, options in miners.items()
        ]


def options_of(settings: DirectSettings) -> dict[str, dict[str, Any]]:
    """Return the checked options of every miner; ConfigError with all that is not right, by its place."""
    adapter: TypeAdapter[Any] = TypeAdapter(device_model())
    found: dict[str, dict[str, Any]] = {}
    problems = []
    for site, miners in settings.sites.items():
        for name, given in miners.items():
            place = f"collector.direct.sites.{site}.{name}"
            try:
                options = adapter.validate_python(given)
            except ValidationError as error:
                problems.append(f"{place}: {describe(error)}")
                continue
            problem = _why_not(options, settings)
            if problem:
                problems.append(f"{place}.{problem}")
            found.setdefault(site, {})[name] = options
    if problems:
        raise ConfigError(problems)
    return found


def _why_not(options: Any, settings: DirectSettings) -> str | None:
    if drivers()[options.driver].kind_of(options) is not DeviceKind.MINER or not isinstance(options, HostOptions):
        return f"driver: {options.driver!r} reads no miner at an address; only miners are read directly"
    try:
        address = ip_address(options.host)
    except ValueError:
        return f"host: {options.host!r} is a name, which may lead anywhere; write the address"
    if not any(address in network for network in settings.networks):
        return f"host: {options.host} is in none of collector.direct.networks; nothing else is ever asked"
    return None
