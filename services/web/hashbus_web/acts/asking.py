"""Questions that another service answers by one message: what a curtailment would be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from hashbus.bus import Bus, Subscription
from hashbus.messages import CurtailmentOffer, CurtailmentQuestion
from hashbus_web.problems import away

PATIENCE_S = 8.0
MOST_WAITING = 100


class Asking:
    """Who waits for which answer."""

    def __init__(self, bus: Bus) -> None:
        """Ask on `bus`."""
        self._bus = bus
        self._waiting: dict[str, asyncio.Future[CurtailmentOffer]] = {}

    @property
    def waiting(self) -> Mapping[str, object]:
        """Return what is not answered yet."""
        return self._waiting

    async def offer(self, question: CurtailmentQuestion) -> CurtailmentOffer:
        """Return what the curtailer would do. Problem when it does not answer in time."""
        if len(self._waiting) >= MOST_WAITING:
            raise away("curtailer", "too many ask at once")
        answer = self._waiting[question.id] = asyncio.get_running_loop().create_future()
        try:
            self._bus.publish(question)
            async with asyncio.timeout(PATIENCE_S):
                offer: CurtailmentOffer = await answer
        except TimeoutError:
            raise away("curtailer", "the curtailer has not answered; does it run?") from None
        finally:
            self._waiting.pop(question.id, None)
        return offer

    async def listen(self, offers: Subscription[CurtailmentOffer]) -> None:
        """Hand every answer to who waits for it, for ever."""
        async for offer in offers:
            waiting = self._waiting.get(offer.id)
            if waiting is not None and not waiting.done():
                waiting.set_result(offer)
