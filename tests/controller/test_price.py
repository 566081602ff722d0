"""Price: off while power is dear, on again when it is cheap, and no say for a price that nobody renews."""

from datetime import timedelta

import pytest

from hashbus.messages import PriceWindow
from tests.controller.home import Home

PRICE = {"price": {"stop_above_per_kwh": 0.30, "start_below_per_kwh": 0.25}}


def plays(home: Home, table: str) -> None:
    """Play rows of: minutes, price, the setpoint that holds at their end."""
    for row in table.strip().splitlines()[1:]:
        minutes, price, setpoint = row.split("#")[0].split()
        home.hear(home.price(float(price)))
        home.passes(float(minutes) * 60)
        expected = None if setpoint == "-" else float(setpoint)
        assert home.setpoint_w() == expected, row


def test_it_stops_above_and_starts_below() -> None:
    plays(
        Home(PRICE),
        """
        minutes price setpoint
        10      0.28  -         # never stopped: nobody asks anything of it
        10      0.31  0
        10      0.28  0         # not on again at the edge
        10      0.25  0
        10      0.24  3600
        10      0.29  3600
        """,
    )


def test_a_stale_price_has_no_say() -> None:
    home = Home(PRICE)
    home.hear(home.price(0.50))
    home.passes(600)
    assert home.setpoint_w() == 0
    home.passes(2 * 3600 + 60)
    assert home.setpoint_w() == 3600


def test_negative_prices_are_taken() -> None:
    home = Home({"price": {"stop_above_per_kwh": 0.30, "take_below_per_kwh": 0, "take_w": 3600}})
    home.hear(home.reading(power_limit_w=1500))
    plays(
        home,
        """
        minutes price setpoint
        10      0.10  -
        10      -0.05 3600
        10      0.10  1500
        """,
    )


def test_the_windows_of_the_tariff_count_as_time_goes_on() -> None:
    home = Home(PRICE)
    windows = [
        PriceWindow(
            starts_at=home.now + timedelta(minutes=20 * number),
            ends_at=home.now + timedelta(minutes=20 * (number + 1)),
            price_per_kwh=price,
        )
        for number, price in enumerate((0.20, 0.40, 0.20))
    ]
    home.hear(home.price(0.20, windows=windows))
    home.passes(600)
    assert home.setpoint_w() is None
    home.passes(1200)
    assert home.setpoint_w() == 0
    assert "power costs 0.4 EUR/kWh" in home.decision().reason
    home.passes(1200)
    assert home.setpoint_w() == 3600


def test_a_price_in_another_currency_has_no_say() -> None:
    home = Home({"price": {**PRICE["price"], "currency": "EUR"}})
    home.hear(home.price(0.50, currency="USD"))
    home.passes(600)
    assert home.setpoint_w() is None


def test_the_hysteresis_survives_a_restart() -> None:
    home = Home(PRICE)
    home.hear(home.price(0.31))
    home.passes(200)
    home.hear(home.price(0.28))
    home.passes(200)
    home.restarts()
    home.passes(200)
    assert home.setpoint_w() == 0


def test_limits_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match=r"start_below_per_kwh 0.4 is above stop_above_per_kwh 0.3"):
        Home({"price": {"stop_above_per_kwh": 0.3, "start_below_per_kwh": 0.4}})
    with pytest.raises(ValueError, match="belong together"):
        Home({"price": {"stop_above_per_kwh": 0.3, "take_below_per_kwh": 0}})
