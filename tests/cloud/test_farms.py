"""Three farms as three site stacks before one collector (S1.70, of its 500, 300 and 200 miners one in a hundred)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.cloud.farms import Farm, simulator_of, truth
from tests.cloud.stacks import until, visitor
from tests.collector.clouds import Visitor, new_person, new_site
from tests.servers import Collector

FARMS = {"north": (5, "whatsminer"), "east": (3, "antminer"), "west": (2, "bitaxe")}
QUICK = {"limits": {"calls_per_minute": 1_000_000}, "commands": {"resend_s": 2}, "alerts": {"stale_s": 30}}


@asynccontextmanager
async def three_farms(folder: Path, database: str) -> AsyncIterator[tuple[dict[str, Farm], Any, Visitor]]:
    await new_person(database, "anna")
    with ExitStack() as stack:
        collector = Collector(folder / "collector", database, **QUICK)
        await asyncio.to_thread(stack.enter_context, collector)
        farms = {}
        for place, (name, (miners, family)) in enumerate(FARMS.items()):
            farms[name] = Farm(folder, name, miners, family, (96, 10 * place))
            farms[name].configure(collector.url, await new_site(database, name), interval_s=1, bridge={})
        simulator = simulator_of(folder / "simulator", *farms.values())
        await asyncio.to_thread(stack.enter_context, simulator)
        for farm in farms.values():
            await asyncio.to_thread(stack.enter_context, farm)
        async with visitor(collector) as anna:
            try:
                yield farms, simulator, anna
            finally:
                await asyncio.to_thread(stack.close)


async def test_three_farms_mirror_themselves_and_each_gets_its_own_commands(
    tmp_path: Path, cloud_database: str
) -> None:
    async with three_farms(tmp_path, cloud_database) as (farms, simulator, anna):
        expected = {name: size for name, (size, _) in FARMS.items()}
        await until(lambda: _online(anna), lambda found: found == expected)
        for farm in farms.values():
            live = await anna.get(f"live/{farm.name}")
            assert {one["miner_id"] for one in live["miners"]} == set(farm.names())
            assert all(one["ip_address"] is None for one in live["miners"])
        before = {farm.name: truth(simulator, farm.names()[0])["reboots"] for farm in farms.values()}
        commands = [await anna.order(farm.names()[0], "reboot", site=farm.name) for farm in farms.values()]
        for command in commands:
            await until(partial(_status, anna, command), lambda status: status == "completed")
        for farm in farms.values():
            assert truth(simulator, farm.names()[0])["reboots"] == before[farm.name] + 1
            assert all(truth(simulator, other)["reboots"] == 0 for other in farm.names()[1:])
        # One site falls silent; the others are none the worse, and it catches up.
        await asyncio.to_thread(farms["east"].parts["bridge"].kill)
        wanted = [await anna.order(farm.names()[1], "reboot", site=farm.name) for farm in farms.values()]
        for command in (wanted[0], wanted[2]):
            await until(partial(_status, anna, command), lambda status: status == "completed")
        assert await _status(anna, wanted[1]) == "pending"
        await asyncio.to_thread(farms["east"].parts["bridge"].start)
        await until(lambda: _status(anna, wanted[1]), lambda status: status == "completed")


async def _online(anna: Visitor) -> dict[str, int]:
    return {site["site_id"]: site["online"] for site in (await anna.get("sites"))["sites"]}


async def _status(anna: Visitor, command: str) -> str:
    return str((await anna.get(f"commands/{command}"))["command"]["status"])
