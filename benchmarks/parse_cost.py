"""What it costs to make a reading of the replies of a device, family by family, on the drivers' own fixtures.

From bytes to the finished message, without any input or output. The bare lower bound is `json.loads` of the same bytes,
which checks nothing; it is measured in turns with ours, on the scenes whose bytes are valid JSON.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.figures import Figure
from benchmarks.workers import ROOT
from hashbus.clock import SYSTEM_CLOCK
from hashbus_poller.drivers.antminer import parse as antminer
from hashbus_poller.drivers.antminer.levels import LevelRules, rate
from hashbus_poller.drivers.antminer.stats import parse_stats
from hashbus_poller.drivers.avalon import parse as avalon
from hashbus_poller.drivers.bitaxe import parse as bitaxe
from hashbus_poller.drivers.braiins import parse as braiins
from hashbus_poller.drivers.cgminer import parse as cgminer
from hashbus_poller.drivers.cgminer.answer import Answer, decode
from hashbus_poller.drivers.cgminer.parse import parse_pools
from hashbus_poller.drivers.eg4_portal import parse as eg4_portal
from hashbus_poller.drivers.http_json import parse as http_json
from hashbus_poller.drivers.http_json.options import HttpJsonOptions
from hashbus_poller.drivers.luxos import commands as luxos_commands
from hashbus_poller.drivers.luxos import parse as luxos
from hashbus_poller.drivers.luxos.profiles import Profile, profiles_of
from hashbus_poller.drivers.luxpower.registers import reading as luxpower_reading
from hashbus_poller.drivers.modbus import commands
from hashbus_poller.drivers.modbus import parse as modbus
from hashbus_poller.drivers.modbus.options import ModbusDeviceOptions
from hashbus_poller.drivers.mqtt_in import parse as mqtt_in
from hashbus_poller.drivers.mqtt_in.options import MqttInOptions
from hashbus_poller.drivers.vnish import parse as vnish
from hashbus_poller.drivers.vnish.identity import facts_of
from hashbus_poller.drivers.vnish.presets import power_in_force_w
from hashbus_poller.drivers.whatsminer import parse as whatsminer
from hashbus_poller.drivers.whatsminer.replies import reply
from hashbus_poller.drivers.whatsminer_v2 import parse as whatsminer_v2
from hashbus_poller.drivers.whatsminer_v2.replies import succeeded, understood

FIXTURES = ROOT / "tests" / "fixtures"
ROUNDS, TIMES = 15, 40
QUICK_ROUNDS, QUICK_TIMES = 2, 1

JOINED = "summary+devs+pools"
REPORTS_V2 = ("summary", "edevs", "pools", "status", "get_psu", "get_error_code")
"""Of the WhatsMiner API v2."""


class Case(NamedTuple):
    """The replies of which one reading is made, and how."""

    replies: tuple[bytes, ...]
    parse: Callable[[], object]


async def measure(*, quick: bool) -> list[Figure]:
    """Parse all fixtures of every family; about half a minute."""
    rounds, times = (QUICK_ROUNDS, QUICK_TIMES) if quick else (ROUNDS, TIMES)
    return [_figure(family, list(cases()), rounds, times) for family, cases in FAMILIES.items()]


def _figure(family: str, cases: Sequence[Case], rounds: int, times: int) -> Figure:
    replies = [said for case in cases for said in case.replies]
    valid = [said for said in map(_as_json, replies) if said is not None]
    ours, bare = [], []
    for _ in range(rounds):
        ours.append(_cost_us([case.parse for case in cases], times) / len(replies))
        bare.append(_cost_us([partial(json.loads, said) for said in valid], times) / max(1, len(valid)))
    size = sum(map(len, replies)) / len(replies)
    beside = f"json.loads alone {median(bare):.0f} µs" if valid else "registers, already out of their frames"
    note = f"{len(cases)} readings of {len(replies)} replies, {size:,.0f} B each; {beside}"
    return Figure(f"parse_{family}", median(ours), "µs/reply", "", note)


def _cost_us(works: Sequence[Callable[[], object]], times: int) -> float:
    """Return the time of doing all of it once, in µs."""
    began_s = time.perf_counter()
    for _ in range(times):
        for work in works:
            work()
    return (time.perf_counter() - began_s) * 1e6 / times


def _as_json(said: bytes) -> bytes | None:
    """Return what `json.loads` takes; None where only a driver understands it."""
    said = said.rstrip(b"\0")
    try:
        json.loads(said)
    except ValueError:
        return None
    return said


def _scenes(family: str, mark: str) -> list[Path]:
    """Return the folders in which a file of that name stands."""
    return sorted(path.parent for path in (FIXTURES / family).rglob(mark))


def _raw(scene: Path, *names: str) -> dict[str, bytes]:
    """Return what a device answered, by name; `.bin` is what is no valid JSON. What is not there is left out."""
    places = {path.stem: path for path in scene.iterdir()}
    return {name: places[name].read_bytes() for name in names if name in places}


def _whatsminer() -> Iterator[Case]:
    for scene in _scenes("whatsminer", "get.device.info.json"):
        replies = tuple(_raw(scene, "get.device.info", "get.miner.status").values())
        yield Case(replies, partial(_whatsminer_reading, *replies))


def _whatsminer_reading(info: bytes, status: bytes) -> object:
    return whatsminer.reading(reply(info), reply(status), power_pct=None, latency_ms=None)


def _whatsminer_v2() -> Iterator[Case]:
    for scene in _scenes("whatsminer_v2", "status.json"):
        said = _raw(scene, *REPORTS_V2)
        yield Case(tuple(said.values()), partial(_whatsminer_v2_reading, said))


def _whatsminer_v2_reading(said: Mapping[str, bytes]) -> object:
    heard: dict[str, Answer] = {}
    for name, raw in said.items():
        answer = understood(name, raw)
        if answer.status()[0] != "E":
            heard[name] = succeeded(answer)
    told = whatsminer_v2.Heard(
        summary=heard.get("summary"),
        edevs=heard.get("edevs"),
        pools=heard.get("pools"),
        status=heard.get("status"),
        psu=heard.get("get_psu"),
        faults=heard.get("get_error_code"),
    )
    return whatsminer_v2.reading(told, latency_ms=None)


def _cgminer() -> Iterator[Case]:
    for scene in _scenes("cgminer", "reading.json"):
        said = _raw(scene, JOINED) or _raw(scene, "summary", "devs", "pools")
        yield Case(tuple(said.values()), partial(_cgminer_reading, said))


def _cgminer_reading(said: Mapping[str, bytes]) -> object:
    answers = [decode(name, raw) for name, raw in said.items()]
    return cgminer.parse_joined(*answers) if len(answers) == 1 else cgminer.parse_reading(*answers)


def _antminer() -> Iterator[Case]:
    for scene in _scenes("antminer", "reading.json"):
        replies = tuple(_raw(scene, "stats", "pools").values())
        yield Case(replies, partial(_antminer_reading, *replies))


def _antminer_reading(stats: bytes, pools: bytes) -> object:
    around = antminer.Surroundings(conf=None, rating=rate(None, None, None, LevelRules()), lamps=())
    told = parse_pools(decode("pools", pools))
    return antminer.parse_reading(parse_stats(decode("stats", stats)), told, around, is_partial=False)


def _avalon() -> Iterator[Case]:
    for scene in _scenes("avalon", "estats.json"):
        said = _raw(scene, "summary", "pools", "estats")
        yield Case(tuple(said.values()), partial(_avalon_reading, said))


def _avalon_reading(said: Mapping[str, bytes]) -> object:
    return avalon.reading(*(decode(name, raw) for name, raw in said.items()), latency_ms=None)


def _bitaxe() -> Iterator[Case]:
    for path in sorted((FIXTURES / "bitaxe").rglob("info*.json")):
        yield Case((path.read_bytes(),), partial(_bitaxe_reading, path.read_bytes()))


def _bitaxe_reading(info: bytes) -> object:
    return bitaxe.reading(bitaxe.info(info), info)


def _braiins() -> Iterator[Case]:
    for scene in _scenes("braiins", "details.json"):
        said = _raw(scene, "details", "stats", "hashboards", "cooling", "tuner", "pools")
        if not braiins.process(said["details"]).runs:
            said = {"details": said["details"]}  # the driver asks for nothing more either
        yield Case(tuple(said.values()), partial(_braiins_reading, **said))


def _braiins_reading(details: bytes, **rest: bytes) -> object:
    now = braiins.process(details)
    return braiins.reading(now, braiins.Rest(**rest)) if now.runs else braiins.idle_reading(now)


def _vnish() -> Iterator[Case]:
    for scene in _scenes("vnish", "summary.json"):
        said = _raw(scene, "info", "model")
        replies = tuple(_raw(scene, "summary", "perf_summary").values())
        if vnish.miner_of(replies[0]) is not None:  # else the daemon is down, and the summary empty
            yield Case(replies, partial(_vnish_reading, facts_of(said["info"], said.get("model")), *replies))


def _vnish_reading(facts: vnish.Facts, summary: bytes, perf_summary: bytes) -> object:
    return vnish.reading(vnish.miner_of(summary) or {}, summary, facts, power_in_force_w(perf_summary))


def _luxos() -> Iterator[Case]:
    for scene in _scenes("luxos", "summary.json"):
        said = _raw(scene, *luxos_commands.REPORTS)
        profiles = profiles_of(decode("profiles", *_raw(scene, "profiles").values()))
        yield Case(tuple(said.values()), partial(_luxos_reading, said, profiles))


def _luxos_reading(said: Mapping[str, bytes], profiles: tuple[Profile, ...]) -> object:
    return luxos.reading(luxos.reports_of({name: decode(name, raw) for name, raw in said.items()}), profiles)


def _eg4_portal() -> Iterator[Case]:
    for path in sorted((FIXTURES / "eg4_portal").rglob("runtime*.json")):
        replies = (path.read_bytes(), (path.parent / "energy.json").read_bytes())
        yield Case(replies, partial(_eg4_reading, *replies))


def _eg4_reading(runtime: bytes, energy: bytes) -> object:
    return eg4_portal.reading(eg4_portal.running(runtime), eg4_portal.counters(energy), None)


def _luxpower() -> Iterator[Case]:
    for path in sorted((FIXTURES / "luxpower").rglob("*.expected.json")):
        table = json.loads(path.with_name(path.name.replace(".expected", "")).read_bytes())
        words = dict.fromkeys((*range(120), *range(160, 200)), 0) | {int(place): word for place, word in table.items()}
        blocks = tuple(bytes(80) for _ in range(4))  # four answers of 40 registers make a reading
        yield Case(blocks, partial(luxpower_reading, words))


def _modbus() -> Iterator[Case]:
    options = ModbusDeviceOptions.model_validate({"template": "sdm630", "host": "127.0.0.1"})
    registers = [one for those in options.registers.values() for one in those]
    spans = commands.spans(registers, longest_read=options.longest_read, longest_gap=options.longest_gap)
    # 1.0 in every float; the words are already out of their frames.
    answers = [tuple(0x3F80 if place % 2 == 0 else 0 for place in range(span.count)) for span in spans]
    replies = tuple(bytes(2 * span.count) for span in spans)
    yield Case(replies, lambda: modbus.read(options, modbus.entries(spans, answers)))


def _http_json() -> Iterator[Case]:
    for name in ("shelly_pro_3em", "shelly_3em", "shelly_plug", "shelly_plug_s"):
        options = HttpJsonOptions.model_validate({"template": name, "host": "127.0.0.1"})
        said = _status_of(name)
        yield Case((said,), partial(http_json.read, options, said))


def _mqtt_in() -> Iterator[Case]:
    now = SYSTEM_CLOCK.now()
    for name, topic in (("tasmota_plug", "tele/pump/SENSOR"), ("ems_esp_boiler", "ems-esp/boiler_data")):
        options = MqttInOptions.model_validate({"template": name, "topic": topic})
        said = _status_of(name)
        yield Case((said,), partial(mqtt_in.read, options, {topic: mqtt_in.Said(said, now)}, now))


def _status_of(template: str) -> bytes:
    [path] = FIXTURES.glob(f"*/{template}/*/status.json")
    return path.read_bytes()


FAMILIES: Mapping[str, Callable[[], Iterator[Case]]] = {
    "whatsminer": _whatsminer,
    "whatsminer_v2": _whatsminer_v2,
    "cgminer": _cgminer,
    "antminer": _antminer,
    "avalon": _avalon,
    "bitaxe": _bitaxe,
    "braiins": _braiins,
    "vnish": _vnish,
    "luxos": _luxos,
    "eg4_portal": _eg4_portal,
    "luxpower": _luxpower,
    "modbus": _modbus,
    "http_json": _http_json,
    "mqtt_in": _mqtt_in,
}
