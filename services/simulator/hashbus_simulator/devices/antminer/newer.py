"""The newer report shape of S19 and later: the web pages, and port 4028 with `new_api` (PROTOCOLS.md 3.5, 3.6)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hashbus_simulator.devices.antminer.state import AntminerState
from hashbus_simulator.devices.cgminer.wire import Document
from hashbus_simulator.devices.pools import Pool
from hashbus_simulator.models import Cooling

Row = dict[str, object]

WATER_WARMING_K = 8.0
"""Of the water on its way through the miner, at rated power."""


def summary(miner: AntminerState) -> Document:
    """Rates in GH/s and the four health lamps; asleep the list is empty."""
    rows: list[Row] = [] if miner.physics.asleep else [{**_rates(miner), **_health(miner)}]
    return _document(miner, "summary", SUMMARY=rows)


def stats(miner: AntminerState) -> Document:
    """Boards and fans; asleep the list is empty."""
    physics = miner.physics
    if physics.asleep:
        return _document(miner, "stats", STATS=[])
    row: Row = {
        **_rates(miner),
        "chain_num": physics.model.boards,
        "fan_num": physics.model.fans,
        "fan": [physics.fan_rpm(fan) for fan in range(physics.model.fans)],
        "hwp_total": 0.0,
        "miner-mode": int(miner.configuration.work_mode),
        "freq-level": int(miner.configuration.freq_level),
        "chain": [_chain(miner, board) for board in range(physics.model.boards)],
    }
    if miner.block.reports_power:
        row["watt"] = round(physics.power_w)
    return _document(miner, "stats", STATS=[row])


def pools(miner: AntminerState) -> Document:
    """All configured pools, the first in use."""
    rows = [_pool(miner, number, pool) for number, pool in enumerate(miner.configuration.pools) if pool.url]
    return _document(miner, "pools", POOLS=rows)


def rate(miner: AntminerState) -> Document:
    """A short series of rates, newest last."""
    return _document(miner, "rate", RATE=[{"unit": "GH/s", "series": [_rates(miner)["rate_5s"]]}])


def warning(miner: AntminerState) -> Document:
    """No warnings."""
    return _document(miner, "warning", WARNING=[])


REPORTS: Mapping[str, Callable[[AntminerState], Document]] = {
    "summary": summary,
    "stats": stats,
    "pools": pools,
    "rate": rate,
    "warning": warning,
}


def _document(miner: AntminerState, message: str, **sections: list[Row]) -> Document:
    """Here STATUS is an object, on the old interface a list."""
    return {
        "STATUS": {"STATUS": "S", "when": miner.unix_s(), "Msg": message, "api_version": "1.0.0"},
        "INFO": {
            "miner_version": miner.generation.miner_version,
            "CompileTime": miner.block.compile_time,
            "type": miner.block.model,
        },
        **sections,
    }


def _rates(miner: AntminerState) -> Row:
    physics = miner.physics
    return {
        "elapsed": physics.elapsed_s,
        "rate_5s": round(physics.measured(physics.hashrate_ths, 1, spread=0.02) * 1e3, 1),
        "rate_30m": round(physics.hash_15min_ths * 1e3, 1),
        "rate_avg": round(physics.hash_average_ths * 1e3, 1),
        "rate_ideal": round(physics.model.hashrate_ths * physics.demand.freq_share * 1e3, 1),
        "rate_unit": "GH/s",
    }


def _health(miner: AntminerState) -> Row:
    lamps = [{"type": kind, "status": "s", "code": 0, "msg": ""} for kind in ("rate", "network", "fans", "temp")]
    return {"hw_all": miner.physics.hw_errors, "bestshare": 1_234_567, "status": lamps}


def _chain(miner: AntminerState, board: int) -> Row:
    physics, model = miner.physics, miner.physics.model
    pcb_c = round(physics.measured(physics.heat.board_c, 10 + board, spread=0.02))
    chip_c = round(physics.measured(physics.heat.chip_c, 13 + board, spread=0.02))
    sensors = sensors_of(miner, pcb_c, chip_c)
    letters = "o" * model.chips_per_board
    return {
        "index": board,
        "freq_avg": round(model.freq_mhz * physics.demand.freq_share),
        "rate_ideal": round(model.hashrate_ths * physics.demand.freq_share * 1e3 / model.boards, 1),
        "rate_real": round(physics.hashrate_ths * 1e3 / model.boards, 1),
        "asic_num": model.chips_per_board,
        "asic": " ".join(letters[start : start + 9] for start in range(0, model.chips_per_board, 9)),
        "temp_pic": sensors.pic,
        "temp_pcb": sensors.pcb,
        "temp_chip": sensors.chip,
        "hw": physics.hw_errors // model.boards,
        "eeprom_loaded": True,
        "sn": f"B{miner.place.serial}{board}",
        "hwp": 0.0,
    }


def _pool(miner: AntminerState, number: int, pool: Pool) -> Row:
    physics = miner.physics
    is_active = number == 0 and physics.is_hashing
    return {
        "index": number,
        "url": pool.url,
        "user": pool.user,
        "status": "Alive",
        "priority": number,
        "getworks": physics.elapsed_s // 30 if is_active else 0,
        "accepted": physics.accepted if is_active else 0,
        "rejected": physics.rejected if is_active else 0,
        "discarded": 0,
        "stale": 0,
        "diff": "524K" if is_active else "",
        "diff1": 0,
        "diffa": physics.accepted * 524_288 if is_active else 0,
        "diffr": physics.rejected * 524_288 if is_active else 0,
        "diffs": 0,
        "lsdiff": 524_288 if is_active else 0,
        "lstime": "0:00:03" if is_active else "0",
    }


class Sensors(NamedTuple):
    """The four places of each kind of sensor of a board, in degrees Celsius; 0 is a place without a sensor."""

    pcb: list[int]
    chip: list[int]
    pic: list[int]


def sensors_of(miner: AntminerState, pcb_c: int, chip_c: int) -> Sensors:
    """What a board's sensors show: on hydro models the water at both ends, and one chip (PROTOCOLS.md 3.5)."""
    if miner.physics.model.cooling is Cooling.LIQUID:
        warming_k = round(WATER_WARMING_K * miner.physics.power_w / miner.physics.model.power_w)
        outlet_c = round(miner.physics.heat.body_c)
        return Sensors([outlet_c - warming_k, 0, outlet_c, 0], [0, 0, 0, 0], [chip_c, 0, 0, 0])
    pcb = [pcb_c - 14, pcb_c - 16, pcb_c, pcb_c - 1]
    return Sensors(pcb, [chip_c - 13, chip_c - 15, chip_c, chip_c - 1], pcb)
