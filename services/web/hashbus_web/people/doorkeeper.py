"""Slows down whoever guesses: so many tries at a login by address and by name, then wait."""

from __future__ import annotations

from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from hashbus_web.problems import Problem

BY_ADDRESS = RateLimitItemPerMinute(20, 1)
BY_NAME = RateLimitItemPerMinute(8, 5)
"""Per name eight in five minutes: a person who forgot a password needs fewer, a machine gets nowhere."""

OF_CODE = RateLimitItemPerMinute(10, 10)
"""The code of the first start has 58 bits: ten tries in ten minutes never find it."""

OF_STRANGERS = RateLimitItemPerMinute(30, 1)
"""Calculations of somebody who is not signed in."""

BURST = RateLimitItemPerSecond(20, 1)
"""Each try costs 64 MB and a tenth of a second of a core."""


@dataclass(frozen=True)
class Doorkeeper:
    """Counts tries in memory; a restart forgets them, and takes longer than a try."""

    limiter: MovingWindowRateLimiter

    @classmethod
    def new(cls) -> Doorkeeper:
        """Return one that has seen nobody."""
        return cls(MovingWindowRateLimiter(MemoryStorage()))

    async def let_try(self, address: str, name: str) -> None:
        """Let one try at a login pass, or raise Problem 429; only those that failed count for long."""
        await self._pass(BURST, address)
        for limit, who in ((BY_ADDRESS, address), (BY_NAME, f"name {name.casefold()}")):
            if not await self.limiter.test(limit, who):
                raise _slow_down(limit)

    async def note_failure(self, address: str, name: str) -> None:
        """Count a try that failed."""
        await self.limiter.hit(BY_ADDRESS, address)
        await self.limiter.hit(BY_NAME, f"name {name.casefold()}")

    async def let_try_code(self, address: str) -> None:
        """Let one try at the code of the first start pass, or raise Problem 429."""
        await self._pass(OF_CODE, "code")
        await self._pass(BURST, address)

    async def let_calculate(self, address: str) -> None:
        """Let a stranger use the calculator, or raise Problem 429."""
        await self._pass(OF_STRANGERS, f"calculator {address}")

    async def _pass(self, limit: RateLimitItem, who: str) -> None:
        if not await self.limiter.hit(limit, who):
            raise _slow_down(limit)


def _slow_down(limit: RateLimitItem) -> Problem:
    wait_s = str(limit.get_expiry())
    return Problem(429, "slow_down", f"too many tries; wait up to {wait_s} seconds", headers={"Retry-After": wait_s})
