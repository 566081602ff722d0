"""The reports of an Avalon: cgminer's own, and `stats` with the MM string (PROTOCOLS.md 3.7)."""

from collections.abc import Callable, Mapping

from hashbus_simulator.devices.avalon import mm
from hashbus_simulator.devices.avalon.generation import Shape
from hashbus_simulator.devices.avalon.state import AvalonState
from hashbus_simulator.devices.cgminer import reads as classic
from hashbus_simulator.devices.cgminer.reads import Read, Row


def version(miner: AvalonState) -> Read:
    """Product, model, serial number and a MAC without separators."""
    generation, firmware = miner.generation, miner.block.firmware
    row: Row = {
        "CGMiner": "4.11.1",
        "API": "3.7",
        "PROD": generation.product,
        "MODEL": generation.model,
        "HWTYPE": generation.hwtype,
        "SWTYPE": "MM319",
        "LVERSION": firmware,
        "BVERSION": firmware,
        "CGVERSION": firmware,
        "DNA": mm.dna(miner),
        "MAC": miner.place.mac.replace(":", "").lower(),
        "UPAPI": "2",
    }
    if generation.shape is Shape.MODULES:  # a Raspberry Pi that knows nothing of what hangs on it
        row = {key: row[key] for key in ("CGMiner", "API", "MAC")} | {"MAC": miner.place.mac.replace(":", "").lower()}
    return 22, (), {"VERSION": [row]}


def summary(miner: AvalonState) -> Read:
    """Hashrates in MH/s."""
    return classic.summary(miner.classic)


def pools(miner: AvalonState) -> Read:
    """POOL numbers from 0."""
    return classic.pools(miner.classic)


def devs(miner: AvalonState) -> Read:
    """One row for all boards; the temperature of a home model is 0, a lost sensor's -273."""
    temperature_c = 0.0 if miner.generation.shape is Shape.SUMMARY else round(miner.physics.ambient_c, 1)
    row: Row = {
        **classic.summary(miner.classic)[2]["SUMMARY"][0],
        "ASC": 0,
        "Name": miner.generation.device_id.rstrip("0"),
        "ID": 0,
        "Enabled": "Y",
        "Status": "Alive",
        "Temperature": float(mm.NO_SENSOR_C) if miner.block.lost_sensor else temperature_c,
    }
    return 9, (1,), {"DEVS": [row]}


def devdetails(_miner: AvalonState) -> Read:
    """One row: the driver is `avalon`, the model unknown to it."""
    row: Row = {"DEVDETAILS": 0, "Name": "AVALON", "ID": 0, "Driver": "avalon", "Kernel": "", "Model": ""}
    return 69, (), {"DEVDETAILS": [row]}


def stats(miner: AvalonState) -> Read:
    """The MM string or strings, and after them what cgminer counts of each pool."""
    head: Row = {
        "STATS": 0,
        "ID": miner.generation.device_id,
        "Elapsed": miner.physics.elapsed_s,
        "Calls": 0,
        "Wait": 0.0,
        "Max": 0.0,
        "Min": 99999999.0,
    }
    row = head | _machine(miner) | {"Smart Speed": 1, "Voltage Level Offset": 0, "Nonce Mask": 25}
    others = [_of_pool(miner, number) for number in range(len(miner.classic.pools))]
    return 70, (), {"STATS": [row, *others]}


def litestats(miner: AvalonState) -> Read:
    """The same without the chips; home models only."""
    return 70, (), {"STATS": [_short(miner)]}


REPORTS: Mapping[str, Callable[[AvalonState], Read]] = {
    "version": version,
    "summary": summary,
    "pools": pools,
    "devs": devs,
    "edevs": devs,
    "devdetails": devdetails,
    "stats": stats,
    "estats": stats,
    "litestats": litestats,
}


def _machine(miner: AvalonState) -> Row:
    """The strings of this generation."""
    match miner.generation.shape:
        case Shape.MODULES:
            return {**mm.module_strings(miner), "MM Count": miner.block.modules}
        case Shape.WHOLE:
            return {"MM ID0": mm.string(miner), "MM Count": 1}
        case Shape.SUMMARY:
            return {**_short(miner), "HBinfo": mm.board_strings(miner)}


def _short(miner: AvalonState) -> Row:
    return {"MM ID0:Summary": f"'STATS':{{{mm.string(miner)} Nonce Mask[25]}}"}


def _of_pool(miner: AvalonState, number: int) -> Row:
    return {
        "STATS": number + 1,
        "ID": f"POOL{number}",
        "Elapsed": miner.physics.elapsed_s,
        "Pool Calls": 0,
        "Work Diff": 524288.0,
        "Times Sent": 152,
        "Bytes Sent": 26720,
    }
