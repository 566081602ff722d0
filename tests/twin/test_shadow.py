"""Policy sets in the shadow: they decide and do not act, and what they would have brought is counted."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from hashbus.messages import BatteryTelemetry, Message, MeterTelemetry, NetworkState, PowerSetpoint, ShadowState
from hashbus.step import TICK, Tick
from hashbus_controller.settings import ControllerSettings
from hashbus_controller.shadow import LIVE, as_it_would_be, beside, hears_beside, more_w, shadowed
from hashbus_controller.step import step
from hashbus_supervisor.ask_shadow import sheet
from tests.controller.home import Home

SHADOW = {"soc": {"battery": "house", "base_w": 3600}}


class House(Home):
    """A home of which a shadow sees what the live set sees."""

    def __init__(self, shadows: dict[str, Any], **live: Any) -> None:
        section = {"auto_control": "enabled", **live, "shadows": shadows}
        settings = ControllerSettings.model_validate({"site": "home", "controller": section})
        super().__init__(live)
        self.decide, self.beside = shadowed(step), beside(self.state, settings)
        self.told: list[Message] = []
        for message in list(self.heard.values()):
            self.hears(message)
        self.lasts(10)

    def hears(self, message: Message | Tick) -> list[Message]:
        self.beside, said = self.decide(self.beside, message, self.now)
        self.told += (news := list(said))
        return news

    def lasts(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += timedelta(seconds=1)
            if self.now.second % 10 == 0:
                self.hears(self.reading())
            self.hears(TICK)

    def shadow(self, name: str) -> ShadowState:
        return next(one for one in reversed(self.told) if isinstance(one, ShadowState) and one.shadow == name)


def network(house: House) -> NetworkState:
    fields = {"difficulty": 1e14, "hashrate_ehs": 700, "subsidy_btc": 3.125, "completeness_pct": 100}
    counts = {"sources_used": 1, "sources_total": 1}
    return NetworkState(site="home", at=house.now, taken_at=house.now, **fields, **counts)  # type: ignore[arg-type]


def battery(house: House, soc_pct: float, **more: Any) -> BatteryTelemetry:
    return house.battery(soc_pct).model_copy(update=more)


def test_a_shadow_decides_and_does_not_act() -> None:
    house = House({"bold": SHADOW})
    house.hears(battery(house, 55))
    house.lasts(200)
    assert house.shadow("bold").miners["attic"].power_w == 2160
    assert not [one for one in house.told if isinstance(one, PowerSetpoint)]


def test_the_live_set_is_not_touched_by_its_shadows() -> None:
    alone, house = Home(SHADOW), House({"off": {"site_limit_w": 0}}, **SHADOW)
    alone.hear(alone.battery(55))
    alone.passes(60)
    house.hears(battery(house, 55))
    house.lasts(60)
    given = [one.power_w for one in house.told if isinstance(one, PowerSetpoint)]
    assert set(given) == set(alone.changes()) == {2160}
    assert house.shadow("off").power_w == 0


def test_energy_and_switches_of_each_are_counted() -> None:
    house = House({"half": {"site_limit_w": 1800}, "off": {"site_limit_w": 0}}, site_limit_w=3000)
    house.lasts(600)
    house.lasts(60)
    energy_wh = {name: house.shadow(name).energy_wh for name in (LIVE, "half", "off")}
    hours = house.shadow("half").counted_s / 3600
    assert energy_wh["off"] == 0
    assert energy_wh["half"] == pytest.approx(1800 * hours, rel=0.1)
    assert energy_wh["half"] < energy_wh[LIVE]
    house.hears(battery(house, 55))
    assert house.shadow("half").switches == 0


def test_sats_are_counted_while_the_network_is_known() -> None:
    house = House({"half": {"site_limit_w": 1800}}, site_limit_w=3000)
    house.hears(house.reading(hashrate_ths=200, efficiency_j_per_th=18))
    house.lasts(65)
    assert house.shadow("half").sats == 0
    house.hears(network(house))
    for _ in range(130):
        house.hears(house.reading(hashrate_ths=200, efficiency_j_per_th=18))
        house.lasts(1)
    assert 0 < house.shadow("half").sats < house.shadow(LIVE).sats


def test_meter_and_inverter_show_what_they_would_with_the_shadow() -> None:
    house = House({"off": {"site_limit_w": 0}}, site_limit_w=3000)
    live, shadow = house.beside.live, house.beside.shadows[0]
    assert more_w(shadow, live) == -3550
    meter = as_it_would_be(house.meter(1000), shadow, live)
    assert isinstance(meter, MeterTelemetry)
    assert meter.power_w == -2550
    inverter = as_it_would_be(battery(house, 55, load_w=4000.0, grid_w=500.0), shadow, live)
    assert isinstance(inverter, BatteryTelemetry)
    assert (inverter.load_w, inverter.grid_w) == (450, -3050)


def test_the_ledger_goes_on_after_a_restart() -> None:
    house = House({"half": {"site_limit_w": 1800}})
    house.lasts(130)
    before = house.shadow("half")
    again = House.__new__(House)
    Home.__init__(again)
    settings = ControllerSettings.model_validate(
        {"site": "home", "controller": {"auto_control": "enabled", "shadows": {"half": {"site_limit_w": 1800}}}}
    )
    again.decide, again.beside, again.told = shadowed(step), beside(again.state, settings), []
    assert ShadowState in hears_beside(again.beside)
    again.hears(before)
    for message in list(again.heard.values()):
        again.hears(message)
    again.lasts(70)
    after = again.shadow("half")
    assert after.since == before.since
    assert after.energy_wh > before.energy_wh


@pytest.mark.parametrize("shadows", [{"live": {}}, {"deep": {"shadows": {"deeper": {}}}}])
def test_what_cannot_be_a_shadow_is_refused(shadows: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"controller\.shadows"):
        ControllerSettings.model_validate({"site": "home", "controller": {"shadows": shadows}})


def test_the_command_shows_them_side_by_side() -> None:
    house = House({"half": {"site_limit_w": 1800}}, site_limit_w=3000)
    house.lasts(70)
    lines = sheet([house.shadow(LIVE), house.shadow("half")])
    assert lines[0].split() == ["live", "half"]
    assert any(line.split() == ["attic", "3000", "1800"] for line in lines)
