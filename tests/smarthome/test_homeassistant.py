"""The smarthome process on a real mosquitto, as Home Assistant sees it."""

import asyncio
import json
import secrets
import signal
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from pydantic import ValidationError

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import (
    Alert,
    Command,
    DeviceOrder,
    Message,
    MinerState,
    OrderResult,
    OrderStatus,
    PowerRequest,
    Rank,
    Severity,
)
from hashbus.mqtt_bus import MqttBus
from hashbus_smarthome.settings import HomeAssistantSection
from tests.servers import Mosquitto, wait_until
from tests.smarthome.ha_schema import check
from tests.smarthome.homes import (
    AT,
    PATIENCE_S,
    Broker,
    Seen,
    Smarthome,
    bus,
    controller,
    filters_of,
    info,
    present,
    publish_all,
    reading,
    said_to,
    watching,
)


@pytest.fixture(scope="module")
def smarthome(mosquitto: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smarthome]:
    """The process that most tests share, with one miner and a controller on the bus."""
    site = f"site-{secrets.token_hex(4)}"

    async def shown() -> None:
        async with (
            bus(mosquitto, site, "poller") as poller,
            bus(mosquitto, site, "controller") as brain,
            watching(mosquitto, *filters_of(site)) as seen,
        ):
            publish_all(poller, miner(site))
            brain.publish(controller(site))
            await seen.shown("miner_attic", "power_limit", "mining", "restart", "power_w")
            await seen.shown(f"site_{site}", "automatic", "power_w")

    with Smarthome(mosquitto, site, tmp_path_factory.mktemp("smarthome")) as found:
        found.start()
        asyncio.run(shown())
        yield found


def miner(site: str, name: str = "attic", **more: Any) -> list[Message]:
    """All that is said of a miner."""
    return [info(site, name), present(site, name), reading(site, name, **more)]


@pytest.fixture
async def poller(smarthome: Smarthome) -> AsyncIterator[MqttBus]:
    async with bus(smarthome.broker, smarthome.site, "poller") as found:
        yield found


@pytest.fixture
async def brain(smarthome: Smarthome) -> AsyncIterator[MqttBus]:
    async with bus(smarthome.broker, smarthome.site, "controller") as found:
        yield found


@pytest.fixture
async def seen(smarthome: Smarthome) -> AsyncIterator[Seen]:
    async with watching(smarthome.broker, *filters_of(smarthome.site)) as found:
        yield found


def topic_of(site: str, device: str = "miner_attic") -> str:
    return f"homeassistant/device/hashbus-{site}/{device}/config"


def command(site: str, control: str, *, kind: str = "miner", device: str = "attic") -> str:
    return f"hashbus/{site}/smarthome/{kind}/{device}/{control}/set"


async def retained(broker: Broker, topic: str) -> aiomqtt.Message | None:
    """What the broker keeps of a topic for somebody who comes now."""
    async with watching(broker, topic, "marker") as later:
        await later.says("marker", "x")
        await later.until(lambda one: "marker" in one.last)
        return later.last.get(topic)


async def test_discovery_is_retained_at_qos_1_and_right_by_the_documentation(smarthome: Smarthome) -> None:
    for device in ("miner_attic", f"site_{smarthome.site}"):
        message = await retained(smarthome.broker, topic_of(smarthome.site, device))
        assert message is not None
        assert (message.retain, message.qos) == (True, 1)
        check(json.loads(bytes(message.payload)))


async def test_every_state_is_read_from_a_topic_that_is_said(smarthome: Smarthome, seen: Seen) -> None:
    site = smarthome.site
    later = ("miner/attic/result/smarthome", "control/state", "request/smarthome/site/override")
    said_later = {f"hashbus/{site}/{topic}" for topic in later}
    for device in ("miner_attic", f"site_{site}"):
        config = await seen.shown(device)
        topics = {one["state_topic"] for one in config["components"].values() if "state_topic" in one}
        topics |= {one["topic"] for one in config.get("availability", [])}
        await seen.until(lambda one, topics=topics: topics - said_later <= set(one.last))  # type: ignore[misc]


async def test_a_power_limit_becomes_an_override_on_the_bus_and_is_given_back(
    smarthome: Smarthome, seen: Seen, brain: MqttBus
) -> None:
    async with brain.subscribe(PowerRequest) as requests:
        await seen.says(command(smarthome.site, "power_limit"), "2000")
        request = await said_to(requests, lambda one: one.cap_w == 2000)
        assert (request.scope, request.floor_w) == ("attic", 2000)
        kept = await retained(smarthome.broker, request.address())
        assert kept is not None
        assert kept.qos == 1
        await seen.says(command(smarthome.site, "release"), "PRESS")
        back = await said_to(requests, lambda one: one.at > request.at)
        assert back.until == back.at, "it has ended"
    assert back.address() == request.address()
    await seen.until(lambda one: not one.last[request.address()].payload)
    assert await retained(smarthome.broker, request.address()) is None, "nobody shows what does not count any more"


async def test_a_request_of_an_earlier_run_that_has_lapsed_is_taken_off_the_bus(
    mosquitto: Mosquitto, site: str, tmp_path: Path
) -> None:
    fields: dict[str, Any] = {
        "source": "smarthome",
        "name": "override",
        "rank": Rank.OVERRIDE,
        "cap_w": 2000,
        "why": "test",
    }
    old = PowerRequest(site=site, at=AT, scope="attic", until=AT + timedelta(hours=1), **fields)
    good = PowerRequest(site=site, at=AT, scope="cellar", until=SYSTEM_CLOCK.now() + timedelta(hours=1), **fields)
    async with bus(mosquitto, site, "smarthome") as earlier:
        publish_all(earlier, [old, good])
        await earlier.flush()
    async with watching(mosquitto, *filters_of(site)) as seen:
        with Smarthome(mosquitto, site, tmp_path).start():
            await seen.until(lambda one: old.address() in one.last and not one.last[old.address()].payload)
    assert await retained(mosquitto, good.address()) is not None


async def test_a_button_becomes_one_order_that_is_never_retained(
    smarthome: Smarthome, seen: Seen, poller: MqttBus
) -> None:
    async with poller.subscribe(DeviceOrder) as orders:
        # The subscription is there when something said after it comes back.
        await seen.says(command(smarthome.site, "blink"), "PRESS")
        await said_to(orders, lambda one: one.command is Command.BLINK)
        await seen.says(command(smarthome.site, "reboot"), "PRESS")
        order = await said_to(orders, lambda one: one.command is Command.REBOOT)
        assert len(orders) == 0
    assert await retained(smarthome.broker, order.address()) is None


async def test_what_came_of_an_order_is_shown_and_a_refusal_logged(
    smarthome: Smarthome, seen: Seen, poller: MqttBus
) -> None:
    config = await seen.shown("miner_attic", "order")
    result = OrderResult(
        site=smarthome.site,
        at=AT,
        miner="attic",
        asker="smarthome",
        id="s1",
        command=Command.REBOOT,
        status=OrderStatus.FAILED,
        code="unreachable",
        message="it does not answer",
    )
    assert config["components"]["order"]["state_topic"] == result.address()
    poller.publish(result)
    assert await asyncio.to_thread(wait_until, lambda: "it does not answer" in smarthome.said, timeout_s=PATIENCE_S)


@pytest.mark.parametrize("payload", [b"lots", b"\xff\xff", b"", b"1e999", b"{}", b"9" * 5000])
async def test_a_command_that_is_not_right_disturbs_nobody(
    smarthome: Smarthome, seen: Seen, brain: MqttBus, payload: bytes
) -> None:
    watts = 1100 + 50 * len(payload[:20])
    async with brain.subscribe(PowerRequest) as requests:
        await seen.says(command(smarthome.site, "power_limit"), payload)
        await seen.says(command(smarthome.site, "power_limit", device="nobody"), "2000")
        await seen.says(command(smarthome.site, "power_limit"), str(watts))
        await said_to(requests, lambda one: one.cap_w == watts)
    assert "there is no miner 'nobody' here" in smarthome.said


async def test_home_assistant_that_starts_is_told_everything_again(smarthome: Smarthome, seen: Seen) -> None:
    topic = topic_of(smarthome.site)
    await seen.shown("miner_attic")
    before = len(seen.payloads(topic))
    await seen.says("homeassistant/status", "offline")
    await seen.says("homeassistant/status", "online")
    await seen.until(lambda one: len(one.payloads(topic)) > before)


async def test_the_site_is_summed_up(smarthome: Smarthome, seen: Seen, poller: MqttBus) -> None:
    site = smarthome.site
    publish_all(poller, [*miner(site), *miner(site, "cellar", state=MinerState.SLEEPING, power_w=15)])
    alert = Alert(site=site, at=AT, key="hot", severity=Severity.CRITICAL, title="attic is hot", since=AT)
    async with bus(smarthome.broker, site, "notifier") as notifier:
        notifier.publish(alert)
        topic = f"hashbus/{site}/summary"

        def is_known(one: Seen) -> bool:
            last = (one.payloads(topic) or [{}])[-1]
            return (last.get("alerts_open"), last.get("miners_total")) == (1, 2)

        await seen.until(is_known)
        found = seen.payloads(topic)[-1]
        assert (found["miners_online"], found["miners_mining"], found["power_w"]) == (2, 1, 3315)
        assert (found["alert"], found["alert_severity"], found["completeness_pct"]) == ("attic is hot", "critical", 100)
        notifier.clear(alert)


async def test_a_device_whose_description_is_cleared_is_taken_out(
    smarthome: Smarthome, seen: Seen, poller: MqttBus
) -> None:
    topic = topic_of(smarthome.site, "miner_loft")
    publish_all(poller, miner(smarthome.site, "loft"))
    await seen.shown("miner_loft", "power_w")
    poller.clear(info(smarthome.site, "loft"))
    await seen.until(lambda one: not one.last[topic].payload)
    assert await retained(smarthome.broker, topic) is None


async def test_its_health_tells_how_it_is(smarthome: Smarthome) -> None:
    line = next(line for line in smarthome.said.splitlines() if "/healthz" in line)
    url = json.loads(line)["health"].replace("healthz", "metrics")

    def metrics() -> str:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())

    found = await asyncio.to_thread(metrics)
    assert "smarthome_devices_shown" in found
    assert "smarthome_notices_total" in found


async def test_a_retained_command_is_not_carried_out(mosquitto: Mosquitto, site: str, tmp_path: Path) -> None:
    async with bus(mosquitto, site, "poller") as poller, bus(mosquitto, site, "controller") as brain:
        publish_all(poller, miner(site))
        brain.publish(controller(site))
        async with watching(mosquitto, *filters_of(site)) as seen:
            await seen.says(command(site, "mining"), "OFF", retain=True)
            with Smarthome(mosquitto, site, tmp_path).start():
                await seen.shown("miner_attic", "power_limit")
                await seen.says(command(site, "power_limit"), "2000")
                await seen.until(lambda one: f"hashbus/{site}/request/smarthome/attic/override" in one.last)
            [request] = seen.payloads(f"hashbus/{site}/request/smarthome/attic/override")
            assert request["cap_w"] == 2000, "the retained OFF was ignored"
            await seen.says(command(site, "mining"), "", retain=True)


async def test_what_an_earlier_run_has_shown_and_nobody_speaks_of_any_more_is_taken_out(
    mosquitto: Mosquitto, site: str, tmp_path: Path
) -> None:
    async with bus(mosquitto, site, "poller") as poller, watching(mosquitto, *filters_of(site)) as seen:
        publish_all(poller, miner(site))
        await seen.says(topic_of(site, "miner_sold"), '{"device":{}}', retain=True)
        await seen.says(topic_of("elsewhere", "miner_other"), '{"device":{}}', retain=True)
        with Smarthome(mosquitto, site, tmp_path).start():
            await seen.until(
                lambda one: (last := one.last.get(topic_of(site, "miner_sold"))) is not None and not last.payload
            )
            await seen.shown("miner_attic", "power_w")
        assert await retained(mosquitto, topic_of(site, "miner_sold")) is None
        assert await retained(mosquitto, topic_of(site)) is not None
        assert await retained(mosquitto, topic_of("elsewhere", "miner_other")) is not None, "another site is not ours"
        await seen.says(topic_of("elsewhere", "miner_other"), "", retain=True)


async def test_a_controller_that_comes_later_brings_the_power_controls_and_kill_9_takes_them_away_for_a_while(
    mosquitto: Mosquitto, site: str, tmp_path: Path
) -> None:
    status = f"hashbus/{site}/service/smarthome/status"

    def is_said(state: str) -> Callable[[Seen], bool]:
        return lambda one: [said["state"] for said in one.payloads(status)][-1:] == [state]

    async with bus(mosquitto, site, "poller") as poller, watching(mosquitto, *filters_of(site)) as seen:
        publish_all(poller, miner(site))
        with Smarthome(mosquitto, site, tmp_path).start() as smarthome:
            config = await seen.shown("miner_attic", "mining")
            assert "power_limit" not in config["components"]
            async with bus(mosquitto, site, "controller") as brain:
                brain.publish(controller(site))
                before = await seen.shown("miner_attic", "power_limit")
            topics = [one["topic"] for one in before["components"]["mining"]["availability"]]
            assert status in topics
            await seen.until(is_said("online"))
            smarthome.stop(signal.SIGKILL)
            await seen.until(is_said("offline"))
            copies = len(seen.payloads(topic_of(site)))
            smarthome.start()
            await seen.until(lambda one: len(one.payloads(topic_of(site))) > copies)
            assert await seen.shown("miner_attic", "power_limit") == before


async def test_a_broker_that_forgot_everything_has_it_all_back(
    own_mosquitto: Mosquitto, site: str, tmp_path: Path
) -> None:
    async with bus(own_mosquitto, site, "poller") as poller:
        publish_all(poller, miner(site))
        with Smarthome(own_mosquitto, site, tmp_path).start():
            async with watching(own_mosquitto, *filters_of(site)) as seen:
                await seen.shown("miner_attic", "power_w")
            own_mosquitto.kill()
            for file in own_mosquitto.log.parent.glob("mosquitto.db*"):
                file.unlink()
            own_mosquitto.start()
            async with watching(own_mosquitto, *filters_of(site)) as seen:
                await seen.shown("miner_attic", "power_w")
                assert await retained(own_mosquitto, topic_of(site)) is not None


async def test_what_is_switched_off_is_taken_out_and_the_service_stays(
    mosquitto: Mosquitto, site: str, tmp_path: Path
) -> None:
    async with watching(mosquitto, *filters_of(site)) as seen:
        await seen.says(topic_of(site), '{"device":{}}', retain=True)
        off = {"homeassistant": {"enabled": False}, "zigbee2mqtt": {"enabled": False}}
        with Smarthome(mosquitto, site, tmp_path, **off).start() as smarthome:
            await seen.until(lambda one: not one.last[topic_of(site)].payload)
            assert smarthome.process is not None
            assert smarthome.process.poll() is None
    assert await retained(mosquitto, topic_of(site)) is None


async def test_once_shows_what_the_broker_remembers_under_another_prefix_and_a_dry_run_shows_nothing(
    mosquitto: Mosquitto, site: str, tmp_path: Path
) -> None:
    async with bus(mosquitto, site, "poller") as poller:
        publish_all(poller, miner(site))
        await poller.flush()
    for name in ("dry", "wet"):
        (tmp_path / name).mkdir()
    dry = Smarthome(mosquitto, site, tmp_path / "dry", homeassistant={"discovery_prefix": f"dry/{site}"})
    wet = Smarthome(mosquitto, site, tmp_path / "wet", homeassistant={"discovery_prefix": f"wet/{site}"})
    dry.start("--once", "--dry-run")
    wet.start("--once")
    for one in (dry, wet):
        assert await asyncio.to_thread(one.wait) == 0, one.said
    assert await retained(mosquitto, f"dry/{site}/device/hashbus-{site}/miner_attic/config") is None
    assert await retained(mosquitto, f"wet/{site}/device/hashbus-{site}/miner_attic/config") is not None


@pytest.mark.parametrize("prefix", ["", "home/#", "+", "/x", "x/", "a\x00b"])
def test_a_prefix_that_is_no_topic_is_refused(prefix: str) -> None:
    with pytest.raises(ValidationError, match="discovery_prefix"):
        HomeAssistantSection(discovery_prefix=prefix)
