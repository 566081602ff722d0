"""A miner run by plain cgminer (PROTOCOLS.md 3.1 to 3.3)."""

import asyncio
import json
from typing import Any

import pytest

from tests.simulator.conftest import Emulate, Emulated, HandClock, until
from tests.simulator.wire import ask, code_of, exchange


async def do(device: Emulated, command: str, parameter: str | None = None) -> dict[str, Any]:
    return await ask(device.host, device.port("cgminer"), command, parameter)


async def raw(device: Emulated, request: bytes, *, half_close: bool = False) -> bytes:
    return await exchange(device.host, device.port("cgminer"), request, half_close=half_close)


@pytest.fixture
async def owned(emulate: Emulate) -> Emulated:
    """A miner on which everybody may write."""
    return await emulate("cgminer", privileged=True)


async def test_a_reply_ends_with_exactly_one_nul_and_the_connection_with_it(emulate: Emulate) -> None:
    reply = await raw(await emulate("cgminer"), b'{"command":"summary"}')
    assert reply.endswith(b"}\0")
    assert reply.count(b"\0") == 1
    assert b"\n" not in reply


async def test_the_envelope_has_status_section_and_id(emulate: Emulate) -> None:
    reply = await do(await emulate("cgminer"), "summary")
    assert list(reply) == ["STATUS", "SUMMARY", "id"]
    assert reply["STATUS"] == [
        {"STATUS": "S", "When": 1_760_000_000, "Code": 11, "Msg": "Summary", "Description": "cgminer 4.12.1"}
    ]
    assert reply["SUMMARY"][0]["MHS 5s"] == pytest.approx(100e6, rel=0.03)


@pytest.mark.parametrize(
    ("command", "code", "section"),
    [
        ("version", 22, "VERSION"),
        ("devs", 9, "DEVS"),
        ("devdetails", 69, "DEVDETAILS"),
        ("pools", 7, "POOLS"),
        ("stats", 70, "STATS"),
        ("config", 33, "CONFIG"),
        ("coin", 78, "COIN"),
        ("asccount", 104, "ASCS"),
    ],
)
async def test_each_report_has_its_code_and_section(emulate: Emulate, command: str, code: int, section: str) -> None:
    reply = await do(await emulate("cgminer"), command)
    assert code_of(reply) == code
    assert reply[section]


async def test_reports_may_be_joined(emulate: Emulate) -> None:
    reply = await do(await emulate("cgminer"), "summary+devs+nonsense")
    assert list(reply) == ["summary", "devs", "nonsense", "id"]
    assert (code_of(reply["summary"][0]), code_of(reply["devs"][0]), code_of(reply["nonsense"][0])) == (11, 9, 14)


async def test_what_is_privileged_cannot_be_joined(owned: Emulated) -> None:
    assert code_of((await do(owned, "summary+restart"))["restart"][0]) == 14
    assert owned.truth["restarts"] == 0


@pytest.mark.parametrize(
    ("request_bytes", "code"),
    [
        (b'{"command":"nonsense"}', 14),
        (b'{"cmd":"summary"}', 24),
        (b'{"command":5}', 24),
        (b'{"command"', 23),
        (b"{" + b"x" * 5000, 23),
    ],
)
async def test_nonsense_has_a_code_too(emulate: Emulate, request_bytes: bytes, code: int) -> None:
    reply = await raw(await emulate("cgminer"), request_bytes)
    assert code_of(json.loads(reply.rstrip(b"\0"))) == code


async def test_a_request_may_come_in_pieces_and_with_a_newline(emulate: Emulate) -> None:
    device = await emulate("cgminer")
    reader, writer = await asyncio.open_connection(device.host, device.port("cgminer"))
    for part in (b'{"comm', b'and":"ver', b'sion"}\n'):
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0)
    assert b'"Code":22' in await reader.read()
    writer.close()


async def test_without_json_the_answer_is_text(emulate: Emulate) -> None:
    device = await emulate("cgminer")
    version = await raw(device, b"version")
    assert version.startswith(b"STATUS=S,When=1760000000,Code=22,Msg=CGMiner versions,Description=cgminer 4.12.1|")
    assert b"|VERSION,CGMiner=4.12.1,API=3.7," in version
    assert b"|POOL=0,URL=stratum+tcp://pool.example:3333," in await raw(device, b"pools")
    assert (await raw(device, b"summary+pools\n")).startswith(b"CMD=summary|STATUS=S,")


async def test_a_client_that_only_connects_is_sent_away(emulate: Emulate) -> None:
    assert await raw(await emulate("cgminer"), b"", half_close=True) == b""


class TestWithoutPrivilege:
    """Most miners allow reading only."""

    @pytest.mark.parametrize(
        "command", ["switchpool", "addpool", "restart", "quit", "ascset", "ascdisable", "privileged", "zero", "save"]
    )
    async def test_a_privileged_command_is_denied(self, emulate: Emulate, command: str) -> None:
        reply = await do(await emulate("cgminer"), command, "0")
        assert code_of(reply) == 45
        assert reply["STATUS"][0]["Msg"] == f"Access denied to '{command}' command"

    async def test_check_tells_before_one_tries(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        assert (await do(device, "check", "restart"))["CHECK"] == [{"Exists": "Y", "Access": "N"}]
        assert (await do(device, "check", "summary"))["CHECK"] == [{"Exists": "Y", "Access": "Y"}]
        assert (await do(device, "check", "weather"))["CHECK"] == [{"Exists": "N", "Access": "N"}]
        assert code_of(await do(device, "check")) == 71


class TestPools:
    """Pools are numbered from 0 in the order in which they were added."""

    async def test_a_pool_is_added_and_switched_to(self, owned: Emulated) -> None:
        reply = await do(owned, "addpool", "stratum+tcp://new.example:3333,me.1,x")
        assert (code_of(reply), reply["STATUS"][0]["Msg"]) == (55, "Added pool 2: 'stratum+tcp://new.example:3333'")
        reply = await do(owned, "switchpool", "2")
        assert reply["STATUS"][0]["Msg"] == "Switching to pool 2:'stratum+tcp://new.example:3333'"
        pools = (await do(owned, "pools"))["POOLS"]
        assert [pool["Stratum Active"] for pool in pools] == [False, False, True]
        assert owned.truth["active_pool"] == 2

    async def test_a_pool_is_disabled_enabled_and_removed(self, owned: Emulated) -> None:
        steps = [
            ("disablepool", "0", 48),
            ("disablepool", "0", 50),
            ("disablepool", "1", 51),
            ("removepool", "1", 67),
            ("enablepool", "0", 47),
            ("enablepool", "0", 49),
            ("removepool", "0", 68),
            ("removepool", "0", 66),
        ]
        assert [code_of(await do(owned, command, number)) for command, number, _ in steps] == [
            code for *_, code in steps
        ]
        assert [pool["url"] for pool in owned.truth["pools"]] == ["stratum+tcp://backup.example:3333"]

    async def test_priorities_reorder_the_pools(self, owned: Emulated) -> None:
        assert code_of(await do(owned, "poolpriority", "1")) == 73
        assert owned.truth["pools"][0]["url"] == "stratum+tcp://backup.example:3333"

    @pytest.mark.parametrize(
        ("command", "parameter", "code"),
        [
            ("switchpool", None, 25),
            ("switchpool", "9", 26),
            ("switchpool", "-1", 26),
            ("switchpool", "one", 26),
            ("addpool", None, 52),
            ("addpool", "only-a-url", 53),
            ("addpool", ",user,x", 53),
            ("poolpriority", None, 25),
            ("poolpriority", "0,7", 26),
        ],
    )
    async def test_wrong_parameters_change_nothing(
        self, owned: Emulated, command: str, parameter: str | None, code: int
    ) -> None:
        before = owned.truth["pools"]
        assert code_of(await do(owned, command, parameter)) == code
        assert owned.truth["pools"] == before


class TestBoards:
    """Boards can be switched off one by one."""

    async def test_with_all_boards_off_the_miner_sleeps(self, owned: Emulated, clock: HandClock) -> None:
        codes = [code_of(await do(owned, "ascdisable", str(board))) for board in (0, 0, 1, 2, 3)]
        assert codes == [111, 109, 111, 111, 107]
        clock.wait(10)
        assert owned.truth["power_w"] == pytest.approx(15, abs=0.1)
        assert [board["Enabled"] for board in (await do(owned, "devs"))["DEVS"]] == ["N", "N", "N"]
        assert code_of(await do(owned, "ascenable", "0")) == 110
        clock.wait(700)
        assert owned.truth["power_w"] == pytest.approx(1100, rel=0.01)

    async def test_ascset_sets_the_frequency_at_once(self, owned: Emulated, clock: HandClock) -> None:
        assert code_of(await do(owned, "ascset", "0,freq,450")) == 119
        clock.wait(5)
        assert owned.truth["hashrate_ths"] == pytest.approx(75, rel=0.01)
        assert owned.truth["restarts"] == 0

    @pytest.mark.parametrize(
        ("parameter", "code"),
        [
            ("0", 115),
            ("0,help", 118),
            ("0,freq,9000", 120),
            ("0,freq,fast", 120),
            ("0,fan-ctrl,1", 120),
            ("7,freq,1", 107),
        ],
    )
    async def test_ascset_explains_itself(self, owned: Emulated, parameter: str, code: int) -> None:
        assert code_of(await do(owned, "ascset", parameter)) == code

    async def test_asc_shows_one_board(self, owned: Emulated) -> None:
        assert (await do(owned, "asc", "1"))["ASC"][0]["ASC"] == 1
        assert [code_of(await do(owned, "asc", one)) for one in ("", "9")] == [15, 107]


@pytest.mark.parametrize(("command", "word"), [("restart", "RESTART"), ("quit", "BYE")])
async def test_after_a_restart_the_port_is_away_for_a_moment(emulate: Emulate, command: str, word: str) -> None:
    device = await emulate("cgminer", privileged=True, speed=20)
    assert await do(device, command) == {"STATUS": word}
    with pytest.raises(ConnectionRefusedError):
        await do(device, "summary")
    await until(lambda: device.presence.is_reachable)
    assert code_of(await do(device, "summary")) == 11
    assert device.truth["restarts"] == 1
