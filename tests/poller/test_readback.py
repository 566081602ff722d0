"""What a reading shows of an order whose reply was lost."""

from datetime import UTC, datetime, timedelta

import pytest

from hashbus.messages import Command, DeviceOrder, MinerReading, MinerState, OrderParams, PoolTelemetry
from hashbus_poller.readback import Evidence, Marks, is_done, words_for

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RUNNING = MinerReading(state=MinerState.MINING, uptime_s=5000, mining_s=4000)
POOL = {"url": "stratum+tcp://new.example:3333", "worker": "farm.1"}


def evidence(
    command: Command, now: MinerReading, before: MinerReading | None = RUNNING, since_s: float = 10, **params: object
) -> Evidence:
    order = DeviceOrder(
        site="home",
        at=NOW,
        miner="attic",
        source="web",
        id="o-1",
        command=command,
        params=OrderParams.model_validate(params),
        expires_at=NOW + timedelta(minutes=1),
    )
    return Evidence(order, Marks.of(before) if before else None, now, since_s)


def shows(**fields: object) -> MinerReading:
    return MinerReading.model_validate({"state": MinerState.MINING, **fields})


@pytest.mark.parametrize(
    ("command", "state", "done"),
    [
        (Command.ENABLE, MinerState.TUNING, True),
        (Command.ENABLE, MinerState.SLEEPING, False),
        (Command.DISABLE, MinerState.SLEEPING, True),
        (Command.DISABLE, MinerState.MINING, False),
        (Command.DISABLE, MinerState.UNKNOWN, None),
    ],
)
def test_sleep_and_waking_show_in_the_state(command: Command, state: MinerState, done: bool | None) -> None:
    assert is_done(evidence(command, shows(state=state))) is done


@pytest.mark.parametrize(
    ("command", "fields", "done"),
    [
        (Command.REBOOT, {"uptime_s": 40, "mining_s": 10}, True),
        (Command.REBOOT, {"uptime_s": 5010, "mining_s": 10}, False),  # only mining began anew
        (Command.REBOOT, {"mining_s": 10}, True),
        (Command.REBOOT, {}, None),
        (Command.RESTART, {"uptime_s": 5010, "mining_s": 10}, True),
        (Command.RESTART, {"uptime_s": 5010, "mining_s": 4010}, False),
        (Command.RESTART, {"uptime_s": 5010}, None),
    ],
)
def test_a_reboot_and_a_restart_show_in_ages_that_fell(
    command: Command, fields: dict[str, object], done: bool | None
) -> None:
    assert is_done(evidence(command, shows(**fields))) is done


def test_after_a_crash_of_the_poller_what_is_younger_than_the_order_was_restarted_by_it() -> None:
    young, old = shows(uptime_s=50), shows(uptime_s=500)
    assert is_done(evidence(Command.REBOOT, young, before=None, since_s=60))
    assert is_done(evidence(Command.REBOOT, old, before=None, since_s=60)) is False


@pytest.mark.parametrize(
    ("pools", "done"),
    [
        ([("stratum+tcp://new.example:3333", "farm.1")], True),
        ([("stratum+tcp://new.example:3333", "farm.2")], False),
        ([("stratum+tcp://old.example:3333", "farm.1")], False),
        ([], None),
    ],
)
def test_a_pool_shows_by_its_address_and_worker(pools: list[tuple[str, str]], done: bool | None) -> None:
    listed = tuple(PoolTelemetry(url=url, worker=worker) for url, worker in pools)
    assert is_done(evidence(Command.SET_POOL, shows(pools=listed), url=POOL["url"], worker=POOL["worker"])) is done


@pytest.mark.parametrize(("shown", "done"), [(500.4, True), (550.0, False), (None, None)])
def test_a_frequency_shows(shown: float | None, done: bool | None) -> None:
    assert is_done(evidence(Command.SET_FREQUENCY, shows(frequency_mhz=shown), frequency_mhz=500)) is done


@pytest.mark.parametrize(
    ("wanted", "before", "shown", "done"),
    [
        (60, None, 61.0, True),
        (60, None, 100.0, False),
        (60, None, None, None),
        (None, 60.0, None, True),
        (None, 60.0, 60.0, False),
        (None, None, None, None),  # automatic, or not told: nobody knows
    ],
)
def test_held_fans_show_and_automatic_ones_only_after_held_ones(
    wanted: float | None, before: float | None, shown: float | None, done: bool | None
) -> None:
    seen = evidence(Command.SET_FAN, shows(fan_pct=shown), before=shows(fan_pct=before), fan_pct=wanted)
    assert is_done(seen) is done


def test_a_light_shows_in_no_reading() -> None:
    assert is_done(evidence(Command.BLINK, RUNNING)) is None


@pytest.mark.parametrize("command", list(Command))
def test_what_is_seen_is_told_in_words(command: Command) -> None:
    assert words_for(evidence(command, RUNNING))
