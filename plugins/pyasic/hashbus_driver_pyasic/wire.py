"""Talking to a miner through pyasic-rs: within a time limit, one question at a time, and in the five errors.

The library runs in threads of its own and is awaited, so nothing here blocks the loop. It says little of what goes
wrong: whatever a miner does not answer is None in its data, and an order that failed is False.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_address
from typing import TypeVar

from pyasic_rs import Miner, MinerFactory, Pool, PoolGroup
from pydantic import Field, SecretStr

from hashbus.messages import OrderParams
from hashbus_poller.drivers.contract import DeviceError, HostOptions, Refused, Tape, Unreachable, Unsupported
from hashbus_poller.scanning import Door, knock

T = TypeVar("T")

PORTS = (80, 4028, 4433)
"""Where one of the families that pyasic-rs knows would listen; that nothing listens anywhere is known at once."""

FIRMWARES = (
    "AntMiner Stock",
    "Auradine Stock",
    "AvalonMiner Stock",
    "Bitaxe Stock",
    "Braiins",
    "Elphapex Stock",
    "Goldshell Stock",
    "LuxOS",
    "Marathon",
    "Nerdaxe Stock",
    "Proto Stock",
    "SealMiner Stock",
    "UMC OS",
    "VNish",
    "VolcMiner Stock",
    "WhatsMiner Stock",
)
"""What pyasic-rs 0.8 recognises, in its own words; it has to know the password before it knows which of them it is."""

MAX_POOLS = 3
CUSTOMARY_PASSWORD = "x"  # noqa: S105 - what pools are given that ask for none
NO_PASSWORD = "no password is known: set `password` to that of its web page"  # noqa: S105


class PyasicOptions(HostOptions):
    """What a site's configuration says of a miner that is reached through pyasic-rs."""

    timeout_s: float = Field(15.0, gt=0, le=120, description="Longest wait for one whole answer: it asks many pages")
    username: str = Field("root", description="Account of its web page; `super` on a WhatsMiner of 2025")
    password: SecretStr | None = Field(None, description="Its password; without one the miner is only read")


class Library:
    """One miner as pyasic-rs knows it; it is recognised with the first question."""

    def __init__(self, options: PyasicOptions, tape: Tape) -> None:
        """Open nothing yet."""
        self._options = options
        self._tape = tape
        self._miner: Miner | None = None
        self._turn = asyncio.Lock()  # one request in flight per device

    @property
    def may_write(self) -> bool:
        """Say whether the owner gave a password."""
        return self._options.password is not None

    def forget(self) -> None:
        """Recognise the miner anew with the next question: its firmware may be another one now."""
        self._miner = None

    async def told(self) -> bytes:
        """Return all that the miner tells, as JSON; Unreachable when it tells nothing."""
        async with self._in_time("get_data"):
            miner = await self._known()
            said = (await miner.get_data()).model_dump()
        raw = json.dumps(said, default=_plain).encode()
        self._tape.keep("pyasic-rs get_data", raw)
        return raw

    async def offers(self) -> frozenset[str]:
        """Return what the library says it can do with this miner, by the names of its own `supports_` flags."""
        async with self._in_time("recognise"):
            miner = await self._known()
        flags = ("pause", "resume", "pools_config", "set_power_limit", "set_fault_light")
        return frozenset(flag for flag in flags if getattr(miner, f"supports_{flag}"))

    async def do(self, order: str, call: Callable[[Miner], Awaitable[bool]]) -> None:
        """Carry out one order; Refused when the library says that the miner did not take it."""
        if not self.may_write:
            raise Refused(NO_PASSWORD)
        async with self._in_time(order):
            is_taken = await call(await self._known())
        self._tape.keep(f"pyasic-rs {order}", json.dumps(is_taken).encode())
        if not is_taken:
            raise Refused(
                f"the miner did not take {order}; pyasic-rs does not tell why: look at `username` and `password`"
            )

    async def put_pool_first(self, pool: OrderParams) -> None:
        """Let it mine for a pool first; the former ones stay behind it."""
        wanted = Pool(url=pool.url or "", username=pool.worker or "", password=pool.password or CUSTOMARY_PASSWORD)

        async def write(miner: Miner) -> bool:
            groups = await miner.get_pools_config() or []
            known = [one for group in groups for one in group.pools]
            others = [one for one in known if str(one.url) != str(wanted.url) or one.username != wanted.username]
            return await miner.set_pools_config([PoolGroup(name="", quota=1, pools=[wanted, *others][:MAX_POOLS])])

        await self.do("set_pools_config", write)

    async def _known(self) -> Miner:
        """Return the miner, recognised; Unsupported when the library does not know its family."""
        if self._miner is None:
            address = await self._address()
            miner = await self._factory().get_miner(address)
            if miner is None:
                raise await self._silence(address)
            if self._options.password is not None:
                miner.set_auth(self._options.username, self._options.password.get_secret_value())
            self._miner = miner
        return self._miner

    def _factory(self) -> MinerFactory:
        # It waits at most as long for each step as we do for all of them.
        limit_s = max(1, round(self._options.timeout_s))
        factory = MinerFactory().with_connectivity_timeout_secs(limit_s).with_identification_timeout_secs(limit_s)
        if self._options.password is not None:
            password = self._options.password.get_secret_value()
            for firmware in FIRMWARES:
                factory = factory.with_firmware_discovery_auth(firmware, self._options.username, password)
        return factory

    async def _address(self) -> str:
        """Return the IP address: the library takes no names."""
        host = self._options.host
        try:
            return str(ip_address(host))
        except ValueError:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            return str(found[0][4][0])

    async def silence(self) -> DeviceError:
        """Return what it means that a miner which is known told nothing."""
        return await self._silence(await self._address())

    async def _silence(self, address: str) -> DeviceError:
        """Return what it means that nothing was understood: nobody there, or a stranger."""
        doors = await asyncio.gather(*(knock(address, port, self._options.timeout_s / 2) for port in PORTS))
        if all(door is Door.CLOSED for door in doors):
            return Unreachable(f"{address} refused the connection", is_refused=True)
        if Door.OPEN not in doors:
            return Unreachable(f"{address} did not answer")
        if self._miner is None:
            return Unreachable(f"{address} answers, and pyasic-rs recognises no miner in it")
        return Unreachable(f"{address} gave no answer that pyasic-rs understands")

    @asynccontextmanager
    async def _in_time(self, what: str) -> AsyncIterator[None]:
        """Hold the turn and the time limit, and turn what goes wrong into one of the five errors."""
        host, limit_s = self._options.host, self._options.timeout_s
        try:
            async with self._turn, asyncio.timeout(limit_s):
                yield
        except TimeoutError:
            raise Unreachable(f"{host} did not answer {what} within {limit_s:g} s") from None
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that the resolver cannot spell
            raise Unreachable(f"{host}: {getattr(error, 'strerror', None) or error}") from None
        except DeviceError:
            raise
        except (RuntimeError, ValueError, TypeError) as error:
            raise self._meant(what, str(error)) from None

    def _meant(self, what: str, words: str) -> DeviceError:
        """Return the DeviceError that the library's words mean, without a password in it."""
        secret = self._options.password.get_secret_value() if self._options.password else ""
        shown = (words.replace(secret, "***") if secret else words)[:200]
        if "not supported" in words:
            return Unsupported(shown)
        if "401" in words or "403" in words:
            return Refused(f"the miner refused {what}: `username` and `password` must be those of its web page")
        return DeviceError(f"pyasic-rs failed at {what}: {shown}")


def _plain(value: object) -> object:
    """Return what JSON has no form for: a duration in seconds, all else in words."""
    return value.total_seconds() if isinstance(value, timedelta) else str(value)
