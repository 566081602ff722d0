"""Port 4028 of a stock Antminer (PROTOCOLS.md 3.3 to 3.5)."""

import json
from typing import Any

import pytest

from tests.simulator.conftest import Emulate, Emulated
from tests.simulator.wire import ask, code_of, exchange

ALLOWED = {"stats": 70, "pools": 7, "devs": 9, "summary": 11, "version": 22}


async def do(device: Emulated, command: str, **fields: Any) -> dict[str, Any]:
    return await ask(device.host, device.port("cgminer"), command, **fields)


@pytest.mark.parametrize("command", ALLOWED)
async def test_five_commands_are_answered(emulate: Emulate, command: str) -> None:
    assert code_of(await do(await emulate("antminer"), command)) == ALLOWED[command]


@pytest.mark.parametrize(
    "command",
    ["devdetails", "restart", "switchpool", "ascdisable", "config", "privileged", "check", "summary+pools", "weather"],
)
async def test_everything_else_is_access_denied_also_joined_reads(emulate: Emulate, command: str) -> None:
    reply = await do(await emulate("antminer"), command)
    assert (code_of(reply), reply["STATUS"][0]["Msg"]) == (45, f"Access denied to '{command}' command")


async def test_a_reply_ends_with_exactly_one_nul(emulate: Emulate) -> None:
    device = await emulate("antminer")
    reply = await exchange(device.host, device.port("cgminer"), b'{"command":"stats"}')
    assert reply.endswith(b"}\0")
    assert reply.count(b"\0") == 1


async def test_version_names_the_model(emulate: Emulate) -> None:
    row = (await do(await emulate("antminer", model="Antminer S21"), "version"))["VERSION"][0]
    assert (row["Type"], row["API"]) == ("Antminer S21", "3.1")


async def test_rates_are_in_gigahashes(emulate: Emulate) -> None:
    device = await emulate("antminer", model="Antminer S19j Pro")
    assert (await do(device, "summary"))["SUMMARY"][0]["GHS 5s"] == pytest.approx(104_000, rel=0.03)
    stats = (await do(device, "stats"))["STATS"][1]
    assert (stats["rate_unit"], stats["total_rateideal"]) == ("GH", 104_000.0)


async def test_boards_are_numbered_keys_and_an_empty_slot_is_zero(emulate: Emulate) -> None:
    stats = (await do(await emulate("antminer"), "stats"))["STATS"][1]
    assert [stats[f"chain_acn{slot}"] for slot in (1, 2, 3, 4)] == [126, 126, 126, 0]
    assert (stats["chain_rate4"], stats["temp_chip4"]) == ("", "0-0-0-0")
    assert stats["chain_acs1"].count("o") == 126
    assert float(stats["chain_rate1"]) == pytest.approx(104_000 / 3, rel=0.05)
    assert [stats[f"fan{fan}"] > 1000 for fan in (1, 2, 3, 4)] == [True] * 4
    assert "chain_power" not in stats


async def test_an_s9_has_its_boards_in_slots_six_to_eight(emulate: Emulate) -> None:
    stats = (await do(await emulate("antminer", model="Antminer S9"), "stats"))["STATS"][1]
    assert [slot for slot in range(1, 17) if stats[f"chain_acn{slot}"] > 0] == [6, 7, 8]


async def test_old_bmminer_forgets_a_comma(emulate: Emulate) -> None:
    device = await emulate("antminer", missing_comma=True)
    reply = (await exchange(device.host, device.port("cgminer"), b'{"command":"stats"}')).rstrip(b"\0")
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply)
    assert json.loads(reply.replace(b"}{", b"},{"))["STATS"][1]["ID"] == "BTM_SOC0"


async def test_pool_shares_have_ages_and_sizes_as_text(emulate: Emulate) -> None:
    pools = (await do(await emulate("antminer"), "pools"))["POOLS"]
    assert [pool["POOL"] for pool in pools] == [0, 1]
    assert (pools[0]["Diff"], pools[0]["Last Share Time"], pools[1]["Last Share Time"]) == ("524K", "0:00:03", "0")


class TestNewApi:
    """The flag of newer firmware, at the top level of the request."""

    async def test_stats_come_in_the_newer_shape(self, emulate: Emulate) -> None:
        reply = await do(await emulate("antminer"), "stats", new_api=True)
        assert reply["STATUS"]["api_version"] == "1.0.0"
        chain = reply["STATS"][0]["chain"]
        assert [board["index"] for board in chain] == [0, 1, 2]
        assert sum(board["rate_real"] for board in chain) == pytest.approx(104_000, rel=0.01)

    async def test_inside_the_parameter_it_is_ignored(self, emulate: Emulate) -> None:
        device = await emulate("antminer")
        reply = await ask(device.host, device.port("cgminer"), "stats", parameter=json.dumps({"new_api": True}))
        assert len(reply["STATS"]) == 2

    async def test_older_firmware_does_not_know_it(self, emulate: Emulate) -> None:
        device = await emulate("antminer", new_api=False)
        assert len((await do(device, "stats", new_api=True))["STATS"]) == 2
        assert code_of(await do(device, "rate", new_api=True)) == 45

    async def test_it_knows_further_commands(self, emulate: Emulate) -> None:
        device = await emulate("antminer")
        assert (await do(device, "rate", new_api=True))["RATE"][0]["unit"] == "GH/s"
        assert (await do(device, "warning", new_api=True))["WARNING"] == []
