"""What the bus promises over a real broker beyond what every bus does: sessions, wills, accounts, outages."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from hashbus.acl import acl
from hashbus.messages import AvailabilityState, MinerTelemetry, ServiceStatus
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings
from hashbus.testing.bus_promises import heard, reading
from tests import servers

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def bus(broker: servers.Daemon, account: str, **more: object) -> MqttBus:
    return MqttBus(BrokerSettings(port=broker.port), site="home", account=account, **more)  # type: ignore[arg-type]


def status(account: str, is_online: bool) -> ServiceStatus:
    state = AvailabilityState.ONLINE if is_online else AvailabilityState.OFFLINE
    return ServiceStatus(site="home", at=NOW, service=account, state=state, version="1", started_at=NOW)


async def test_a_reader_with_a_session_misses_nothing_while_it_is_away(own_mosquitto: servers.Mosquitto) -> None:
    async with bus(own_mosquitto, "recorder", client_id="recorder") as recorder:
        async with recorder.subscribe(MinerTelemetry) as readings, bus(own_mosquitto, "poller") as poller:
            poller.publish(reading("home", power_w=0))
            await heard(readings)
        # The recorder ends without unsubscribing, as a killed one does.
        await _drop(recorder)
    async with bus(own_mosquitto, "poller") as poller:
        for number in range(1, 101):
            poller.publish(reading("home", power_w=number))
        await poller.flush()
    async with bus(own_mosquitto, "recorder", client_id="recorder") as recorder:
        async with recorder.subscribe(MinerTelemetry) as readings:
            seen = set()
            while not seen >= set(range(1, 101)):
                seen.add((await heard(readings)).power_w)


async def _drop(one: MqttBus) -> None:
    assert one._task is not None
    one._task.cancel()
    await asyncio.gather(one._task, return_exceptions=True)


async def test_a_killed_broker_with_its_memory_loses_nothing(own_mosquitto: servers.Mosquitto) -> None:
    async with bus(own_mosquitto, "poller") as poller, bus(own_mosquitto, "recorder", client_id="r") as recorder:
        async with recorder.subscribe(MinerTelemetry) as readings:
            poller.publish(reading("home", "attic", 0))
            await heard(readings)
            # What is said now is saved after the session of the recorder, and with it.
            poller.publish(reading("home", "cellar", 0))
            await poller.flush()
            saved = reading("home", "cellar", 0).encode()
            assert servers.wait_until(lambda: own_mosquitto.has_saved(saved))
            own_mosquitto.kill()
            for number in range(1, 200):
                poller.publish(reading("home", "attic", number))
            own_mosquitto.start()
            seen = set()
            while not seen >= set(range(1, 200)):
                seen.add((await heard(readings)).power_w)


async def test_a_process_that_dies_leaves_its_last_will(own_mosquitto: servers.Mosquitto, tmp_path: Path) -> None:
    script = tmp_path / "dies.py"
    script.write_text(
        "import asyncio, os\n"
        "from tests.common.test_mqtt_bus import status\n"
        "from hashbus.mqtt_bus import MqttBus\n"
        "from hashbus.settings import BrokerSettings\n"
        "async def main():\n"
        f"    async with MqttBus(BrokerSettings(port={own_mosquitto.port}), site='home', account='poller',\n"
        "                       status=lambda is_online: status('poller', is_online)) as bus:\n"
        "        await asyncio.sleep(0.5)\n"
        "        await bus.flush()\n"
        "        os._exit(9)\n"
        "asyncio.run(main())\n"
    )
    async with bus(own_mosquitto, "notifier") as notifier, notifier.subscribe(ServiceStatus) as states:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), cwd=servers.ROOT, env={"PYTHONPATH": str(servers.ROOT)}
        )
        assert (await heard(states)).state is AvailabilityState.ONLINE
        await process.wait()
        assert (await heard(states)).state is AvailabilityState.OFFLINE


async def test_a_service_that_stops_says_goodbye(own_mosquitto: servers.Mosquitto) -> None:
    async with bus(own_mosquitto, "notifier") as notifier, notifier.subscribe(ServiceStatus) as states:
        async with bus(own_mosquitto, "poller", status=lambda is_online: status("poller", is_online)):
            assert (await heard(states)).state is AvailabilityState.ONLINE
        assert (await heard(states)).state is AvailabilityState.OFFLINE


async def test_a_service_starts_without_a_broker_and_finds_it_later(own_mosquitto: servers.Mosquitto) -> None:
    own_mosquitto.stop()
    async with bus(own_mosquitto, "poller") as poller, bus(own_mosquitto, "recorder") as recorder:
        assert not poller.is_connected
        async with recorder.subscribe(MinerTelemetry) as readings:
            poller.publish(reading("home"))
            own_mosquitto.start()
            assert await heard(readings) == reading("home")


@contextlib.asynccontextmanager
async def _guarded(tmp_path: Path) -> AsyncIterator[servers.Mosquitto]:
    """A broker with the accounts `poller` and `recorder` and the generated access list."""
    folder = tmp_path / "guarded"
    folder.mkdir()
    (folder / "acl").write_text(acl())
    passwords = folder / "passwords"
    passwords.touch(mode=0o600)
    for account in ("poller", "recorder", "controller"):
        command = [servers.program("mosquitto_passwd"), "-b", str(passwords), account, f"{account}-secret"]
        process = await asyncio.create_subprocess_exec(*command)
        assert await process.wait() == 0
    settings = ("allow_anonymous false", f"password_file {passwords}", f"acl_file {folder / 'acl'}")
    with servers.Mosquitto(folder, settings=settings) as broker:
        yield broker


def _account(
    broker: servers.Mosquitto, username: str, password: str | None = None, account: str | None = None
) -> MqttBus:
    settings = BrokerSettings(port=broker.port, username=username, password=SecretStr(password or f"{username}-secret"))
    return MqttBus(settings, site="home", account=account or username)


async def test_the_broker_itself_denies_what_the_table_does_not_allow(tmp_path: Path) -> None:
    async with _guarded(tmp_path) as broker:
        # A service that claims to be the poller, with the recorder's account, says a reading. The broker drops it.
        async with (
            _account(broker, "recorder", account="poller") as liar,
            _account(broker, "poller") as poller,
            _account(broker, "controller") as controller,
            controller.subscribe(MinerTelemetry) as readings,
        ):
            liar.publish(reading("home", "forged"))
            await liar.flush()
            poller.publish(reading("home", "true"))
            assert (await heard(readings)).miner == "true"
            assert len(readings) == 0


async def test_a_wrong_password_is_said_once_and_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with _guarded(tmp_path) as broker, _account(broker, "poller", password="wrong") as poller:
        await asyncio.sleep(1)
        assert not poller.is_connected
        said = capsys.readouterr()
        assert "does not accept user 'poller'" in said.out + said.err
        assert "wrong" not in said.out + said.err


async def test_a_bus_that_crashes_brings_its_service_down(own_mosquitto: servers.Mosquitto) -> None:
    def broken(_is_online: bool) -> ServiceStatus:
        raise RuntimeError("a mistake in the program")

    with pytest.raises(RuntimeError, match="a mistake in the program"):
        async with bus(own_mosquitto, "poller", status=broken):
            await asyncio.Event().wait()
