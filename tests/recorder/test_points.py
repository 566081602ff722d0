"""Every message of the vocabulary becomes a point without code of its own."""

from __future__ import annotations

from datetime import timedelta

from hashbus.messages import (
    VOCABULARY,
    AvailabilityState,
    BatteryTelemetry,
    BitcoinPrice,
    BoardTelemetry,
    ControlState,
    CurtailmentPlan,
    Health,
    MinerAvailability,
    MinerError,
    MinerInfo,
    MinerTelemetry,
    PlannedMiner,
    SensorTelemetry,
    ServiceStatus,
)
from hashbus_recorder.fields import adds_up, symbol_of
from hashbus_recorder.points import measurement_of, point_of, recorded_types
from tests.recorder.stores import START


def telemetry(**fields: object) -> MinerTelemetry:
    return MinerTelemetry.model_validate(
        {"site": "home", "at": START, "miner": "attic", "driver": "whatsminer", "state": "mining", **fields}
    )


def fields_of(**fields: object) -> dict[str, object]:
    point = point_of(telemetry(**fields))
    assert point is not None
    return dict(point.fields)


def test_a_reading_of_a_miner_is_a_point_of_that_miner() -> None:
    point = point_of(telemetry(power_w=3245, hashrate_ths=110.5))

    assert point is not None
    assert (point.measurement, point.device, point.at, point.tags) == ("miner", "attic", START, {"site": "home"})
    assert point.fields["power_w"] == 3245
    assert point.fields["state"] == "mining"


def test_what_the_firmware_does_not_say_is_no_field() -> None:
    fields = fields_of(power_w=0)

    assert fields["power_w"] == 0
    assert "hashrate_ths" not in fields


def test_the_many_chips_are_a_range_and_the_few_fans_are_fans() -> None:
    fields = fields_of(chips_c=tuple(range(50, 62)), fans_rpm=(5000, 5200))

    assert (fields["chips_min_c"], fields["chips_mean_c"], fields["chips_max_c"]) == (50, 55.5, 61)
    assert "chips_0_c" not in fields
    assert (fields["fans_0_rpm"], fields["fans_1_rpm"]) == (5000, 5200)


def test_each_hashboard_has_its_fields() -> None:
    boards = (BoardTelemetry(slot=0, hashrate_ths=30, is_healthy=True), BoardTelemetry(slot=1, chip_max_c=80))
    fields = fields_of(boards=boards)

    assert fields["board0_hashrate_ths"] == 30
    assert fields["board0_is_healthy"] is True
    assert fields["board1_chip_max_c"] == 80


def test_faults_are_counted_and_their_texts_left_out() -> None:
    fields = fields_of(errors=(MinerError(code="210", text="a fan stands still"),), error_message="a fan stands still")

    assert fields["errors_count"] == 1
    assert "a fan stands still" not in fields.values()


def test_a_plan_of_a_thousand_miners_is_one_short_point() -> None:
    miners = tuple(PlannedMiner(miner=f"m{number}", cap_w=0, saves_w=3250) for number in range(1539))
    plan = CurtailmentPlan.model_validate(
        {"site": "farm", "at": START, "plan": "p1", "state": "executing", "strategy": "performance_priority"}
        | {"target_w": 5e6, "planned_w": 5_001_750, "starts_at": START, "ends_at": START + timedelta(hours=4)}
        | {"why": "the grid asks", "miners": miners}
    )

    point = point_of(plan)

    assert point is not None
    assert point.fields["miners_count"] == 1539
    assert len(point.fields) < 10


def test_sensors_of_two_sources_with_one_name_stay_apart() -> None:
    points = [
        point_of(SensorTelemetry(site="home", at=START, source=source, sensor="bath", temperature_c=21.5, contact=True))
        for source in ("zigbee2mqtt", "modbus")
    ]

    assert [point.device for point in points if point] == ["zigbee2mqtt/bath", "modbus/bath"]
    assert points[0] is not None
    assert points[0].tags == {"site": "home", "source": "zigbee2mqtt", "sensor": "bath"}
    assert points[0].fields == {"temperature_c": 21.5, "contact": True}


def test_the_market_belongs_to_the_site() -> None:
    price = BitcoinPrice(
        site="home", at=START, price_usd=92_476.5, sources_used=4, sources_total=4, completeness_pct=100, taken_at=START
    )

    point = point_of(price)

    assert point is not None
    assert (point.measurement, point.device) == ("market_bitcoin", "home")


def test_latches_by_name_are_fields_by_name() -> None:
    point = point_of(ControlState(site="home", at=START, latches_pct={"attic": 60}, changed_at={"attic": START}))

    assert point is not None
    assert point.fields == {"profile": "manual", "is_enabled": False, "latches_pct_attic": 60, "miners": 0}


def test_a_miner_that_goes_away_is_recorded_by_a_word() -> None:
    away = MinerAvailability(site="home", at=START, miner="attic", state=AvailabilityState.OFFLINE, since=START)

    point = point_of(away)

    assert point is not None
    assert (point.measurement, point.fields) == ("miner_availability", {"state": "offline"})


def test_where_a_miner_is_and_what_it_is_called_is_not_recorded() -> None:
    info = MinerInfo(
        site="home", at=START, miner="attic", driver="whatsminer", level="gold", host="192.0.2.7", serial="SN1"
    )

    point = point_of(info)

    assert point is not None
    assert not {"192.0.2.7", "SN1"} & set(point.fields.values())


def test_everything_retained_that_says_something_is_heard() -> None:
    types = recorded_types()

    assert {MinerTelemetry, BatteryTelemetry, SensorTelemetry, BitcoinPrice, ServiceStatus} <= set(types)
    assert all(kind.topic.retain for kind in types)
    assert len({measurement_of(kind) for kind in VOCABULARY}) == len(VOCABULARY)


def test_names_tell_the_unit_and_what_adds_up() -> None:
    assert [symbol_of(name) for name in ("power_w", "board0_chip_max_c", "chips_mean_c", "fans_1_rpm")] == [
        *("W", "°C", "°C", "rpm")
    ]
    assert symbol_of("accepted_shares") == ""
    assert [adds_up(name) for name in ("power_w", "hashrate_ths", "import_energy_wh", "flow_lpm")] == [True] * 4
    assert [adds_up(name) for name in ("chip_max_c", "soc_pct", "board0_hashrate_ths", "state")] == [False] * 4


def test_health_is_a_word_from_a_list() -> None:
    assert fields_of(health=Health.WARNING)["health"] == "warning"
