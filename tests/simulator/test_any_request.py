"""Whatever a client sends, an emulated device answers or hangs up; it never breaks."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashbus_simulator.clock import SimulatedClock
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.serving import Reply, TcpDialect, TcpPort
from hashbus_simulator.settings import SimulatorSettings
from tests.simulator.wire import signed

UNIX_S = 1_760_000_000
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CGMINER_COMMANDS = st.sampled_from(
    ["summary", "stats", "pools", "asc", "ascset", "switchpool", "addpool", "poolpriority", "check", "zero", "edevs"]
)
SETTERS = st.sampled_from(
    [
        *(f"set.miner.{name}" for name in ("service", "power_limit", "power_percent", "power", "target_freq", "pools")),
        *(f"set.system.{name}" for name in ("led", "hostname", "net_config", "time_randomized", "timezone")),
        *("set.miner.report", "set.user.permission", "set.user.change_passwd", "set.fan.temp_offset"),
    ]
)


def dialect(name: str, **device: Any) -> TcpDialect:
    """What a port speaks, without opening it."""
    block = {"host": "127.0.0.1", **device}
    clock = SimulatedClock(monotonic=lambda: 0.0, unix=lambda: float(UNIX_S))
    fleet = Fleet(SimulatorSettings.model_validate({"devices": [block]}), clock)
    (emulated,) = fleet.devices.values()
    (port,) = (port for port in emulated.ports if port.name == name)
    assert isinstance(port, TcpPort)
    return port.dialect


WHATSMINER = {"family": "whatsminer_v3", "password": "secret", "salt": "Qw3rTy7u"}
PORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "WhatsMiner": ("api", WHATSMINER),
    "WhatsMiner on 4028": ("cgminer", WHATSMINER),
    "Antminer": ("cgminer", {"family": "antminer"}),
    "cgminer": ("cgminer", {"family": "cgminer", "privileged": True}),
}


@pytest.mark.parametrize("port", PORTS)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_any_bytes(port: str, data: bytes) -> None:
    name, device = PORTS[port]
    spoken = dialect(name, **device)
    received = bytearray(data)
    try:
        request = spoken.take_request(received, complete=True)
    except ValueError:
        return
    if request is not None:
        assert spoken.answer(request, credentials_rejected=False) is not None


@pytest.mark.parametrize("port", ["WhatsMiner on 4028", "Antminer", "cgminer"])
@settings(max_examples=60, deadline=None)
@given(command=CGMINER_COMMANDS | st.text(max_size=10), parameter=VALUES, flag=VALUES)
def test_any_command(port: str, command: str, parameter: Any, flag: Any) -> None:
    name, device = PORTS[port]
    request = json.dumps({"command": command, "parameter": parameter, "new_api": flag}).encode()
    reply = dialect(name, **device).answer(request, credentials_rejected=False)
    assert isinstance(reply, Reply)
    assert json.loads(reply.document)


@settings(max_examples=300, deadline=None)
@given(cmd=SETTERS, param=VALUES)
def test_any_signed_write(cmd: str, param: Any) -> None:
    request = signed(cmd, "secret", "Qw3rTy7u", UNIX_S, param=param)
    reply = dialect("api", **WHATSMINER).answer(json.dumps(request).encode(), credentials_rejected=False)
    assert reply is not None
    assert json.loads(reply.document)["code"] in {0, -1, -3}


@settings(max_examples=100, deadline=None)
@given(cmd=st.sampled_from(["get.device.info", "get.miner.status", "get.miner.setting"]), param=VALUES)
def test_any_read(cmd: str, param: Any) -> None:
    request = json.dumps({"cmd": cmd, "param": param}).encode()
    reply = dialect("api", **WHATSMINER).answer(request, credentials_rejected=False)
    assert reply is not None
    assert json.loads(reply.document)["code"] in {0, -2, -3}


@pytest.mark.parametrize("port", PORTS)
def test_very_deep_nesting(port: str) -> None:
    name, device = PORTS[port]
    request = b'{"command":' + b"[" * 2000
    assert dialect(name, **device).answer(request, credentials_rejected=False) is not None
