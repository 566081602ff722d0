"""How the configuration of an Antminer is read, changed and written back; nothing in it may get lost."""

import json

import pytest

from hashbus_poller.drivers.antminer.conf import MinerConf, PoolAccount, WorkMode, conf_body, parse_conf
from hashbus_poller.drivers.antminer.levels import LevelRules, PowerStep, full_rate_ths, limit_w, rate, step_for
from hashbus_poller.drivers.antminer.stats import Stats
from hashbus_poller.drivers.antminer.wire import without_pool_passwords
from hashbus_poller.drivers.cgminer.answer import decode
from hashbus_poller.drivers.contract import Garbled

POOLS = [
    {"url": "stratum+tcp://pool.example:3333", "user": "farm.a1", "pass": " spaces, \"quotes\" and 'more' "},
    {"url": "stratum+tcp://backup.example:3333", "user": "farm.a1", "pass": "x"},
    {"url": "", "user": "", "pass": ""},
]
PAGE = {
    "pools": POOLS,
    "api-listen": True,
    "bitmain-fan-ctrl": False,
    "bitmain-fan-pwm": "100",
    "bitmain-work-mode": "0",
    "bitmain-freq-level": "90",
}


def conf_of(**fields: object) -> MinerConf:
    return parse_conf(decode("conf", json.dumps({**PAGE, **fields}).encode()))


def test_what_is_read_is_written_back_to_the_letter_with_the_names_that_writing_wants() -> None:
    assert conf_body(conf_of(), modes_as_text=False) == {
        "bitmain-fan-ctrl": False,
        "bitmain-fan-pwm": "100",
        "miner-mode": 0,
        "bitmain-work-mode": 0,
        "freq-level": "90",
        "pools": POOLS,
    }


def test_the_other_spelling_has_the_modes_as_text() -> None:
    body = conf_body(conf_of(**{"bitmain-work-mode": 1}), modes_as_text=True)
    assert (body["miner-mode"], body["bitmain-work-mode"]) == ("1", "1")


def test_held_fans_stay_held() -> None:
    conf = conf_of(**{"bitmain-fan-ctrl": True, "bitmain-fan-pwm": "60"})
    assert conf.fan_pct == 60
    body = conf_body(conf, modes_as_text=False)
    assert (body["bitmain-fan-ctrl"], body["bitmain-fan-pwm"]) == (True, "60")


def test_what_a_firmware_does_not_know_is_not_written() -> None:
    page = {"pools": POOLS, "bitmain-fan-ctrl": False, "bitmain-fan-pwm": "100"}
    body = conf_body(parse_conf(decode("conf", json.dumps(page).encode())), modes_as_text=False)
    assert set(body) == {"bitmain-fan-ctrl", "bitmain-fan-pwm", "pools"}


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        (b'{"bitmain-work-mode":"0"}', 'lacks its list of "pools"'),
        (b'{"pools":[{"url":"a","user":"b","pass":"c"}],"bitmain-work-mode":"0","bitmain-fr', "not whole"),
        (b'{"pools":[{"url":5}]}', "as text"),
        (b'{"pools":"none"}', 'lacks its list of "pools"'),
    ],
)
def test_a_page_that_would_lose_something_is_never_written_back(page: bytes, complaint: str) -> None:
    with pytest.raises(Garbled, match=complaint):
        parse_conf(decode("conf", page))


def test_a_new_pool_goes_first_and_the_former_ones_stay_behind_it() -> None:
    new = PoolAccount("stratum+tcp://new.example:1", "w", "secret")
    urls = [pool.url for pool in conf_of().with_first_pool(new).pools]
    assert urls == [new.url, POOLS[0]["url"], POOLS[1]["url"]]
    twice = conf_of().with_first_pool(new).with_first_pool(new)
    assert [pool.url for pool in twice.pools] == urls, "the same pool again changes nothing"
    back = conf_of().with_first_pool(PoolAccount(POOLS[1]["url"], "farm.a1", "x"))
    assert [pool.url for pool in back.pools] == [POOLS[1]["url"], POOLS[0]["url"]]


def test_pool_passwords_show_in_no_repr_and_on_no_tape() -> None:
    assert "quotes" not in repr(conf_of())
    page = json.dumps(PAGE).encode()
    masked = without_pool_passwords(page)
    assert b"quotes" not in masked
    assert json.loads(masked)["pools"][0]["user"] == "farm.a1"
    assert b"spaces" not in without_pool_passwords(page[: page.index(b"spaces") + 6]), "nor where the page was cut"


@pytest.mark.parametrize("mode", ["1", 1, "254"])
def test_sleep_has_a_number_in_each_generation(mode: object) -> None:
    assert conf_of(**{"bitmain-work-mode": mode}).is_asleep


def steps_of(model: str = "S19j Pro", conf: MinerConf | None = None, **rules: object) -> tuple[PowerStep, ...]:
    return rate(model, None, conf or conf_of(), LevelRules(**rules)).steps  # type: ignore[arg-type]


def test_levels_are_shares_of_the_rated_power_and_sleep_is_none_of_it() -> None:
    steps = [(step.name, step.work_mode, step.level_pct, step.power_w) for step in steps_of(low_power_pct=65)]
    assert steps == [
        ("sleep", WorkMode.SLEEP, None, 0.0),
        ("low", WorkMode.LOW, 100.0, 1994.2),
        ("80 %", WorkMode.NORMAL, 80.0, 2454.4),
        ("90 %", WorkMode.NORMAL, 90.0, 2761.2),
        ("normal", WorkMode.NORMAL, 100.0, 3068.0),
    ]


def test_the_owner_knows_the_rated_power_better_than_the_data_sheet() -> None:
    assert steps_of(rated_power_w=3000.0)[-1].power_w == 3000.0
    assert steps_of(model="unheard of", rated_power_w=3000.0)[-1].power_w == 3000.0
    assert steps_of(model="unheard of") == ()


def test_the_version_of_a_model_is_told_by_its_ideal_rate_at_full_level() -> None:
    hundred = rate("S19j Pro", full_rate_ths(Stats(ideal_ths=90.0), conf_of()), conf_of(), LevelRules())
    assert hundred.sheet is not None
    assert (hundred.sheet.rated_hashrate_ths, hundred.sheet.rated_power_w) == (100, 3050)


@pytest.mark.parametrize(
    ("power_w", "name"),
    [(0, "sleep"), (100, "sleep"), (2454, "80 %"), (2761, "90 %"), (3067, "90 %"), (3068, "normal"), (9999, "normal")],
)
def test_the_highest_level_at_or_below_the_asked_power_is_taken(power_w: float, name: str) -> None:
    step = step_for(steps_of(), power_w)
    assert step is not None
    assert step.name == name


def test_every_level_that_can_be_set_reads_back_as_itself() -> None:
    steps = steps_of(low_power_pct=65)
    for step in steps:
        conf = step.set_in(conf_of())
        assert limit_w(steps, conf.work_mode, conf.level_pct) == step.power_w


def test_sleep_keeps_the_level_so_that_the_miner_wakes_with_the_power_that_it_had() -> None:
    asleep = steps_of()[0].set_in(conf_of())
    assert (asleep.work_mode, asleep.level_pct) == (WorkMode.SLEEP, 90)


@pytest.mark.parametrize(("mode", "level_pct"), [(WorkMode.HIGH, 100), (WorkMode.LOW, 100), (7, None)])
def test_what_cannot_be_put_into_watts_is_null(mode: int, level_pct: float | None) -> None:
    assert limit_w(steps_of(), mode, level_pct) is None


def test_firmware_without_levels_or_sleep_has_no_such_steps() -> None:
    only = parse_conf(decode("conf", json.dumps({"pools": POOLS}).encode()))
    assert [step.name for step in steps_of(conf=only)] == ["normal"]
