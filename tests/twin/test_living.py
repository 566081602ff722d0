"""The twin: what holds in every season, what comes again with the same seed, and what its figures are made of."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from hashbus.messages import BatteryTelemetry, Message, PowerSetpoint
from hashbus.step import Tick
from hashbus_twin.cli import settings_from, twin
from hashbus_twin.living import Life, Lived
from hashbus_twin.pilots import Controller, Pilot
from hashbus_twin.settings import LIVE, LocalHours, TwinSettings

SEASONS = {"winter": (1, 20), "spring": (4, 10), "summer": (7, 5), "autumn": (10, 20)}


@pytest.fixture(scope="module")
def settings() -> TwinSettings:
    return settings_from(None)


def life(settings: TwinSettings, name: str = LIVE, *, begins: tuple[int, int] = (1, 20), **more: object) -> Life:
    return Life(settings, name, seed=1, starts_at=datetime(2026, *begins, tzinfo=UTC), **more)  # type: ignore[arg-type]


def lived(settings: TwinSettings, days: int, **more: object) -> Lived:
    return life(settings, **more).lives(days)  # type: ignore[arg-type]


@pytest.mark.parametrize("season", SEASONS)
def test_a_house_runs_itself_without_a_wrong_step(settings: TwinSettings, season: str) -> None:
    came = lived(settings, 2, begins=SEASONS[season])
    assert came.broken == ()
    assert came.lapses == 0
    assert came.checks > 2 * 1440


def test_the_same_seed_gives_the_same_bytes(settings: TwinSettings) -> None:
    first, second = (lived(settings, 1, begins=(4, 10)).ledger.encode() for _ in range(2))
    assert first == second


def test_another_seed_is_another_weather(settings: TwinSettings) -> None:
    begins = datetime(2026, 4, 10, tzinfo=UTC)
    first, second = (Life(settings, "ratchet", seed=seed, starts_at=begins).lives(1) for seed in (1, 2))
    assert first.ledger.encode() != second.ledger.encode()


def test_every_kilowatt_hour_is_accounted_for(settings: TwinSettings) -> None:
    one = life(settings, begins=(4, 10))
    began_pct = one.world.state.soc_pct
    total, energy = one.lives(2).ledger.total, one.world.state.total
    stored_kwh = (one.world.state.soc_pct - began_pct) / 100 * one.world.house.battery.capacity_kwh
    lost_kwh = total.sun_kwh + total.imported_kwh - total.exported_kwh - energy.usage_wh / 1000 - stored_kwh
    through_kwh = (energy.charge_wh + energy.discharge_wh) / 1000
    # The battery keeps a twentieth of what goes in or out; nothing else is lost.
    assert 0 <= lost_kwh <= through_kwh * 0.06
    assert total.heat_kwh <= total.mined_kwh


class _WithoutCaps(Controller):
    """A controller gone wrong: whatever it decides, every miner gets everything."""

    def hear(self, message: Message | Tick, now: datetime) -> Iterable[Message]:
        for said in super().hear(message, now):
            is_wrong = isinstance(said, PowerSetpoint)
            yield said.model_copy(update={"power_w": 5000.0}) if is_wrong else said


class _Silent:
    """A controller that dies after an hour."""

    def __init__(self, inner: Pilot, dies_at: datetime) -> None:
        self.inner, self.dies_at = inner, dies_at

    def hear(self, message: Message | Tick, now: datetime) -> Iterable[Message]:
        return self.inner.hear(message, now) if now < self.dies_at else ()


def chosen(settings: TwinSettings) -> Controller:
    found = settings.policy_set(LIVE)
    assert found is not None
    return Controller(found)


def test_a_controller_that_ignores_caps_is_found_out(settings: TwinSettings) -> None:
    found = settings.policy_set(LIVE)
    assert found is not None
    one = life(settings, pilot=_WithoutCaps(found))
    for _ in range(60):
        one.moves()
    assert "cap" in {broken.promise for broken in one.promises.broken}


def test_a_controller_that_dies_leaves_safe_power_behind(settings: TwinSettings) -> None:
    one = life(settings)
    one.pilot = _Silent(one.pilot, one.world.now + timedelta(hours=1))
    for _ in range(75):
        one.moves()
    assert all(miner.asleep for miner in one.world.miners.values())
    assert "lease" in {broken.promise for broken in one.promises.broken}


def test_a_battery_that_says_nothing_lets_nobody_draw_from_it(settings: TwinSettings) -> None:
    one = life(settings, begins=(7, 5))
    inner = one.pilot

    class Deaf:
        """Hears the battery no more."""

        def hear(self, message: Message | Tick, now: datetime) -> Iterable[Message]:
            return () if isinstance(message, BatteryTelemetry) else inner.hear(message, now)

    for _ in range(30):
        one.moves()
    one.pilot = Deaf()
    for _ in range(20):
        one.moves()
    assert one.world.miners["cellar"].asleep


def test_the_heating_beats_a_cold_house(settings: TwinSettings) -> None:
    heated, unheated = (lived(settings, 2, name=name).ledger.total for name in (LIVE, "ratchet"))
    assert heated.short_kh < unheated.short_kh / 3
    assert heated.heat_kwh > unheated.heat_kwh


def test_the_hour_on_the_wall_follows_summer_time() -> None:
    hours = LocalHours("Europe/Berlin")
    begins = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert [hours.at(begins + timedelta(hours=hour))[0] for hour in range(3)] == [1, 3, 4]


def test_the_command_says_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert twin(["--days", "1", "--policies", "thermostat", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["thermostat"]
    assert told["wrong_steps"] == []
    assert told["total"]["heat_kwh"] > 0


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--policies", "magic"], "no policy set magic; there are house, thermostat, ratchet"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_is_wrong_is_named(argv: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert twin(argv) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--days", "0"], ["--step", "61"], ["--from", "yesterday"]])
def test_figures_out_of_bounds_are_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        twin(argv)
    assert argv[1] in capsys.readouterr().err
