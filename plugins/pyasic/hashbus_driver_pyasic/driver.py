"""Any miner that pyasic-rs knows, as the poller sees it: wire and parse put together.

It has no look: the library tries factory passwords when it recognises a miner, and a scan of hashbus does not. Whoever
names this driver in a configuration has asked for it.
"""

from __future__ import annotations

from hashbus.messages import Capability, Level, MinerIdentity, MinerReading, MinerState, OrderParams
from hashbus.models import rated
from hashbus_driver_pyasic import parse
from hashbus_driver_pyasic.wire import Library, PyasicOptions
from hashbus_poller.drivers.contract import DeviceKind, DriverSpec, Refused, Wiring

NAME = "pyasic"


class PyasicMiner:
    """One miner. The library keeps connections open as long as it knows the miner."""

    def __init__(self, options: PyasicOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._library = Library(options, wiring.tape)

    async def identify(self) -> MinerIdentity:
        """Ask who it is; what the library can do with it is offered where a reading will show that it was done."""
        self._library.forget()
        said, raw = await self._told()
        make, model = parse.model(said)
        offers = await self._library.offers() if self._library.may_write else frozenset()
        known = parse.identity(said, raw, rated(make, model))
        shows_power = parse.reading(said, raw).power_limit_w is not None
        return known.model_copy(update={"capabilities": _capabilities(offers, shows_power=shows_power)})

    async def read(self) -> MinerReading:
        """Take one reading."""
        return parse.reading(*await self._told())

    async def close(self) -> None:
        """Give up the miner that the library knows, and its connections with it."""
        self._library.forget()

    async def set_power_limit(self, power_w: float) -> None:
        """Draw at most that many watts; what is already set is not set again."""
        if (await self.read()).power_limit_w != round(power_w):
            await self._library.do("set_power_limit", lambda miner: miner.set_power_limit(float(round(power_w))))

    async def sleep(self) -> None:
        """Stop mining; a miner that sleeps is not asked again."""
        if (await self.read()).state is not MinerState.SLEEPING:
            await self._library.do("pause", lambda miner: miner.pause())

    async def wake(self) -> None:
        """Mine again."""
        if (await self.read()).state is MinerState.SLEEPING:
            await self._library.do("resume", lambda miner: miner.resume())

    async def set_pool(self, pool: OrderParams) -> None:
        """Mine for a pool first; the former ones stay behind it."""
        if not pool.url or not pool.worker:
            raise Refused("set_pool needs the address of the pool and the name of the worker")
        await self._library.put_pool_first(pool)

    async def blink(self, on: bool) -> None:
        """Blink so that a person finds it in the rack, or stop."""
        await self._library.do("set_fault_light", lambda miner: miner.set_fault_light(on))

    async def _told(self) -> tuple[parse.Told, bytes]:
        """Return what the miner tells; of one that is gone the library still knows the model, and that is no answer."""
        raw = await self._library.told()
        said = parse.told(raw)
        if parse.is_silent(said):
            raise await self._library.silence()
        return said, raw


def _capabilities(offers: frozenset[str], *, shows_power: bool) -> tuple[Capability, ...]:
    """Return what works and shows. `restart` is not among it: the library calls it done when the miner refuses it."""
    needs = {
        Capability.POWER_LIMIT: {"set_power_limit"},
        Capability.SLEEP: {"pause", "resume"},
        Capability.POOL: {"pools_config"},
        Capability.BLINK: {"set_fault_light"},
    }
    found = (capability for capability, flags in needs.items() if flags <= offers)
    return tuple(capability for capability in found if capability is not Capability.POWER_LIMIT or shows_power)


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.MINER,
    title="Miners of other families, through pyasic-rs",
    level=Level.BRONZE,
    options=PyasicOptions,
    create=PyasicMiner,
    min_interval_s=5.0,
)
