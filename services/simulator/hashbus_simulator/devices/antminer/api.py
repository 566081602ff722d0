"""What a stock Antminer answers on port 4028: five reads, and no for everything else (PROTOCOLS.md 3.3, 3.5)."""

from collections.abc import Callable, Mapping

from hashbus_simulator.devices.antminer import newer
from hashbus_simulator.devices.antminer.state import AntminerState
from hashbus_simulator.devices.cgminer.codes import status
from hashbus_simulator.devices.cgminer.wire import Document, Request, as_json, as_text
from hashbus_simulator.devices.pools import Pool
from hashbus_simulator.physics import SHARE_DIFFICULTY

Row = dict[str, object]
ALLOWED = frozenset({"stats", "pools", "devs", "summary", "version"})
LONGEST_MIN = 99_999_999


def reply(miner: AntminerState, request: Request) -> Document | bytes | None:
    """The document; None while the mining process is down."""
    if not miner.daemon_is_up:
        return None
    if request.problem is not None:
        return _document(miner, request.problem)
    command = request.command
    if miner.block.new_api and request.fields.get("new_api") is True and command in newer.REPORTS:
        return newer.REPORTS[command](miner)
    if command not in ALLOWED:
        return _document(miner, 45, command)
    document = REPORTS[command](miner)
    if command == "stats" and miner.block.missing_comma:
        text = as_json(document) if request.is_json else as_text(document)
        return text.replace(b"},{", b"}{")
    return document


def version(miner: AntminerState) -> Document:
    """`version`: the model stands in `Type`."""
    return _document(miner, 22, VERSION=[_header(miner) | {"API": "3.1"}])


def summary(miner: AntminerState) -> Document:
    """`summary`: hashrates in GH/s."""
    physics = miner.physics
    minutes = max(1, physics.elapsed_s) / 60
    row: Row = {
        "Elapsed": physics.elapsed_s,
        "GHS 5s": round(physics.measured(physics.hashrate_ths, 1, spread=0.02) * 1e3, 2),
        "GHS av": round(physics.hash_average_ths * 1e3, 2),
        "rate_30m": round(physics.hash_15min_ths * 1e3, 2),
        "Found Blocks": 0,
        "Getworks": physics.elapsed_s // 30,
        "Accepted": physics.accepted,
        "Rejected": physics.rejected,
        "Hardware Errors": physics.hw_errors,
        "Utility": round(physics.accepted / minutes, 2),
        "Discarded": physics.elapsed_s,
        "Stale": 0,
        "Get Failures": 0,
        "Local Work": physics.shares * 40,
        "Remote Failures": 0,
        "Network Blocks": physics.elapsed_s // 600,
        "Total MH": round(physics.terahashes * 1e6),
        "Work Utility": round(physics.shares * SHARE_DIFFICULTY / minutes, 2),
        "Difficulty Accepted": float(physics.accepted * SHARE_DIFFICULTY),
        "Difficulty Rejected": float(physics.rejected * SHARE_DIFFICULTY),
        "Difficulty Stale": 0.0,
        "Best Share": 1_234_567,
        "Device Hardware%": 0.0,
        "Device Rejected%": 0.2,
        "Pool Rejected%": 0.2,
        "Pool Stale%%": 0.0,
        "Last getwork": miner.unix_s(),
    }
    return _document(miner, 11, SUMMARY=[row])


def pools(miner: AntminerState) -> Document:
    """`pools`: POOL numbers from 0; the last share as an age."""
    rows = [_pool(miner, number, pool) for number, pool in enumerate(miner.configuration.pools) if pool.url]
    return _document(miner, 7, len(rows), POOLS=rows) if rows else _document(miner, 8)


def devs(miner: AntminerState) -> Document:
    """`devs`: one row for each board; `Tenperature` is the firmware's own spelling."""
    physics = miner.physics
    rows: list[Row] = [
        {
            "ASC": board,
            "Name": "BTM_SOC",
            "ID": board,
            "Enabled": "Y",
            "Status": "Alive",
            "Tenperature": round(physics.heat.chip_c),
            "MHS av": round(physics.hash_average_ths * 1e6 / physics.model.boards, 2),
            "MHS 5s": round(physics.hashrate_ths * 1e6 / physics.model.boards, 2),
            "Accepted": physics.accepted // physics.model.boards,
            "Rejected": physics.rejected // physics.model.boards,
            "Hardware Errors": physics.hw_errors // physics.model.boards,
            "Device Elapsed": physics.elapsed_s,
        }
        for board in range(physics.model.boards)
    ]
    return _document(miner, 9, len(rows), DEVS=rows)


def stats(miner: AntminerState) -> Document:
    """`stats`: a header, then the device with all boards in numbered keys; hashrates in GH/s."""
    physics, generation = miner.physics, miner.generation
    row: Row = {
        "STATS": 0,
        "ID": "BTM_SOC0",
        "Elapsed": physics.elapsed_s,
        "Calls": 0,
        "Wait": 0,
        "Max": 0,
        "Min": LONGEST_MIN,
        "GHS 5s": round(physics.measured(physics.hashrate_ths, 1, spread=0.02) * 1e3, 2),
        "GHS av": round(physics.hash_average_ths * 1e3, 2),
        "rate_30m": round(physics.hash_15min_ths * 1e3, 2),
        "Mode": 254 if physics.asleep and not generation.is_modern else 2,
        "miner_count": physics.model.boards,
        "frequency": round(physics.model.freq_mhz * physics.demand.freq_share),
        "fan_num": physics.model.fans,
    }
    row |= {f"fan{fan + 1}": physics.fan_rpm(fan) for fan in range(physics.model.fans)}
    row["temp_num"] = physics.model.boards
    for slot in range(1, generation.slots + 1):
        board = slot - generation.first_slot
        row |= _chain(miner, slot, board) if 0 <= board < physics.model.boards else _empty_chain(slot)
    row |= {
        "total_rateideal": round(physics.model.hashrate_ths * physics.demand.freq_share * 1e3, 1),
        "rate_unit": "GH",
        "total_freqavg": round(physics.model.freq_mhz * physics.demand.freq_share),
        "total_acn": physics.model.boards * physics.model.chips_per_board,
        "total rate": round(physics.hashrate_ths * 1e3, 2),
        "temp_max": 0 if physics.asleep else round(physics.heat.chip_c + 2),
        "no_matching_work": physics.hw_errors,
        "miner_version": generation.miner_version,
        "miner_id": "0000000000000000",
    }
    if miner.block.reports_power:
        row["chain_power"] = f"{physics.power_w:.0f} W"
    return _document(miner, 70, STATS=[_header(miner), row])


REPORTS: Mapping[str, Callable[[AntminerState], Document]] = {
    "version": version,
    "summary": summary,
    "pools": pools,
    "devs": devs,
    "stats": stats,
}


def _header(miner: AntminerState) -> Row:
    daemon = "CGMiner" if miner.generation.is_modern else "BMMiner"
    return {
        daemon: "1.0.0",
        "Miner": miner.generation.miner_version,
        "CompileTime": miner.block.compile_time,
        "Type": miner.block.model,
    }


def _chain(miner: AntminerState, slot: int, board: int) -> Row:
    """One board: asleep all chips are bad, while board temperatures stay valid."""
    physics, model = miner.physics, miner.physics.model
    pcb_c = round(physics.measured(physics.heat.board_c, 10 + board, spread=0.02))
    chip_c = round(physics.measured(physics.heat.chip_c, 13 + board, spread=0.02))
    rate_ghs = physics.measured(physics.hashrate_ths / model.boards, 16 + board, spread=0.02) * 1e3
    sensors = newer.sensors_of(miner, pcb_c, chip_c)
    return {
        f"temp{slot}": pcb_c,
        f"temp2_{slot}": chip_c,
        f"temp_pcb{slot}": "-".join(map(str, sensors.pcb)),
        f"temp_chip{slot}": "-".join(map(str, sensors.chip)),
        f"temp_pic{slot}": "-".join(map(str, sensors.pic)),
        f"chain_acn{slot}": model.chips_per_board,
        f"chain_acs{slot}": chip_map(model.chips_per_board, "x" if physics.asleep else "o"),
        f"chain_hw{slot}": physics.hw_errors // model.boards,
        f"chain_rate{slot}": f"{rate_ghs:.2f}",
        f"freq{slot}": round(model.freq_mhz * physics.demand.freq_share),
    }


def _empty_chain(slot: int) -> Row:
    nothing = "0-0-0-0"
    return {
        f"temp_pcb{slot}": nothing,
        f"temp_chip{slot}": nothing,
        f"temp_pic{slot}": nothing,
        f"chain_acn{slot}": 0,
        f"chain_acs{slot}": "",
        f"chain_hw{slot}": 0,
        f"chain_rate{slot}": "",
        f"freq{slot}": 0,
    }


def chip_map(chips: int, letter: str) -> str:
    """One letter for each chip, in groups behind spaces."""
    return "".join((" " if chip % 9 == 0 else "") + letter for chip in range(chips))


def _pool(miner: AntminerState, number: int, pool: Pool) -> Row:
    physics = miner.physics
    is_active = number == 0 and physics.is_hashing
    return {
        "POOL": number,
        "URL": pool.url,
        "Status": "Alive",
        "Priority": number,
        "Quota": 1,
        "Long Poll": "N",
        "Getworks": physics.elapsed_s // 30 if is_active else 0,
        "Accepted": physics.accepted if is_active else 0,
        "Rejected": physics.rejected if is_active else 0,
        "Discarded": 0,
        "Stale": 0,
        "Get Failures": 0,
        "Remote Failures": 0,
        "User": pool.user,
        "Last Share Time": "0:00:03" if is_active else "0",
        "Diff": "524K" if is_active else "",
        "Diff1 Shares": 0,
        "Proxy Type": "",
        "Proxy": "",
        "Difficulty Accepted": float(physics.accepted * SHARE_DIFFICULTY) if is_active else 0.0,
        "Difficulty Rejected": float(physics.rejected * SHARE_DIFFICULTY) if is_active else 0.0,
        "Difficulty Stale": 0.0,
        "Last Share Difficulty": float(SHARE_DIFFICULTY) if is_active else 0.0,
        "Has Stratum": True,
        "Stratum Active": is_active,
        "Stratum URL": pool.url.partition("://")[2].partition(":")[0] if is_active else "",
        "Has GBT": False,
        "Best Share": 1_234_567,
        "Pool Rejected%": 0.2,
        "Pool Stale%%": 0.0,
    }


def _document(miner: AntminerState, code: int, *details: object, **sections: list[Row]) -> dict[str, object]:
    head = status(code, miner.unix_s(), miner.generation.description, *details)
    return {"STATUS": head, **sections, "id": 1}
