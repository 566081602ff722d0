"""What VNish answers on port 4028: like stock firmware, but for the name in `Type` (PROTOCOLS.md 3.10, 7)."""

from hashbus_simulator.devices.cgminer.codes import status
from hashbus_simulator.devices.cgminer.wire import Document, Request
from hashbus_simulator.devices.vnish.state import VnishState

Row = dict[str, object]


def reply(miner: VnishState, request: Request) -> Document | None:
    """The document; None while the mining daemon is down."""
    if not miner.daemon_is_up:
        return None
    if request.problem is not None:
        return _document(miner, request.problem)
    match request.command:
        case "version":
            return _document(miner, 22, VERSION=[_header(miner) | {"API": "3.1"}])
        case "summary":
            return _document(miner, 11, SUMMARY=[_summary(miner)])
        case "stats":
            return _document(miner, 70, STATS=[_header(miner), _stats(miner)])
        case "pools":
            rows = [_pool(number, miner) for number in range(len(miner.running.pools))]
            return _document(miner, 7, len(rows), POOLS=rows)
    return _document(miner, 45, request.command)


def _header(miner: VnishState) -> Row:
    name = f"{miner.block.model} (Vnish {miner.block.version})"
    return {"BMMiner": "1.0.0", "Miner": miner.block.version, "CompileTime": "Thu May 29 19:22:26 2025", "Type": name}


def _summary(miner: VnishState) -> Row:
    physics = miner.physics
    return {
        "Elapsed": physics.elapsed_s,
        "GHS 5s": round(physics.measured(physics.hashrate_ths, 1, spread=0.02) * 1e3, 2),
        "GHS av": round(physics.hash_average_ths * 1e3, 2),
        "Accepted": physics.accepted,
        "Rejected": physics.rejected,
        "Hardware Errors": physics.hw_errors,
        "Stale": 0,
    }


def _stats(miner: VnishState) -> Row:
    physics = miner.physics
    boards = range(1, physics.model.boards + 1)
    row: Row = {"STATS": 0, "ID": "BC50", "Elapsed": physics.elapsed_s}
    row |= {"GHS 5s": round(physics.hashrate_ths * 1e3, 2), "GHS av": round(physics.hash_average_ths * 1e3, 2)}
    row |= {f"fan{fan + 1}": physics.fan_rpm(fan) for fan in range(physics.model.fans)}
    row |= {f"chain_acn{board}": physics.model.chips_per_board for board in boards}
    row |= {f"chain_rate{board}": f"{physics.hashrate_ths / len(boards) * 1e3:.2f}" for board in boards}
    return row | {f"temp_chip{board}": f"{physics.heat.chip_c:.0f}" for board in boards}


def _pool(number: int, miner: VnishState) -> Row:
    pool, is_used = miner.running.pools[number], number == miner.active_pool
    return {
        "POOL": number,
        "URL": pool.url,
        "Status": "Alive",
        "Priority": number,
        "User": pool.user,
        "Accepted": miner.physics.accepted if is_used else 0,
        "Rejected": miner.physics.rejected if is_used else 0,
        "Stale": 0,
        "Stratum Active": is_used,
    }


def _document(miner: VnishState, code: int, *details: object, **sections: list[Row]) -> Document:
    return {"STATUS": status(code, miner.unix_s(), "cgminer 1.0.0", *details), **sections, "id": 1}
