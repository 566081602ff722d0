"""What the Bitaxe driver asks for."""

import pytest

from hashbus_poller.drivers.bitaxe import commands
from hashbus_poller.drivers.bitaxe.steps import Options
from hashbus_poller.drivers.contract import DeviceError, Unsupported

OPTIONS = Options((400.0, 525.0), 525.0, 1150.0)


def test_a_stratum_address_is_taken_apart() -> None:
    target = commands.pool_target("stratum+tcp://pool.example:3333", knows_tls=False)
    assert target == {"stratumURL": "pool.example", "stratumPort": 3333}
    assert commands.pool_target("pool.example:3333", knows_tls=False) == target
    assert commands.pool_target("stratum+ssl://pool.example:443", knows_tls=True)["stratumTLS"] == 1
    assert commands.pool_target("stratum+tcp://pool.example:3333", knows_tls=True)["stratumTLS"] == 0


@pytest.mark.parametrize("url", ["", "pool.example", "stratum+tcp://", "stratum+tcp://pool.example:99999", "http://["])
def test_half_an_address_is_no_address(url: str) -> None:
    with pytest.raises(DeviceError):
        commands.pool_target(url, knows_tls=True)


@pytest.mark.parametrize("url", ["stratum+ssl://pool.example:443", "stratum2+tcp://pool.example:34255"])
def test_what_the_firmware_cannot_speak_is_unsupported(url: str) -> None:
    with pytest.raises(Unsupported):
        commands.pool_target(url, knows_tls=False)


def test_a_pool_password_is_sent_and_never_shown() -> None:
    target = {"stratumURL": "pool.example", "stratumPort": 3333}
    command = commands.set_pool(target, worker="w", password="secret-1", slot=None)
    assert command.settings == {**target, "stratumUser": "w", "stratumPassword": "secret-1"}
    assert "secret-1" not in repr(command)


def test_a_password_that_is_not_given_stays() -> None:
    target = {"stratumURL": "pool.example", "stratumPort": 3333}
    flat = commands.set_pool(target, worker="w", password=None, slot=None)
    slot = commands.set_pool(target, worker="w", password=None, slot=2)
    assert flat.settings == {**target, "stratumUser": "w"}
    assert slot.settings == {"pools": [{"id": 2, **target, "stratumUser": "w", "stratumPassword": "*****"}]}


def test_the_fan_key_is_the_one_of_the_version() -> None:
    assert commands.set_fan(70.0, fan_key="fanspeed").settings == {"autofanspeed": 0, "fanspeed": 70}
    assert commands.set_fan(70.0, fan_key="manualFanSpeed").settings == {"autofanspeed": 0, "manualFanSpeed": 70}
    assert commands.set_fan(None, fan_key="manualFanSpeed").settings == {"autofanspeed": 1}


def test_ending_an_overheat_stop_gives_back_what_the_stop_took_and_nothing_else() -> None:
    lowered = commands.clear_overheat(50.0, OPTIONS)
    assert lowered.settings == {"overheat_mode": 0, "autofanspeed": 1, "frequency": 525.0, "coreVoltage": 1150}
    assert commands.clear_overheat(400.0, OPTIONS).settings == {"overheat_mode": 0, "autofanspeed": 1}
    assert commands.clear_overheat(50.0, None).settings == {"overheat_mode": 0, "autofanspeed": 1}
