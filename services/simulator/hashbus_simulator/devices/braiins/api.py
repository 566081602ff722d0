"""What Braiins OS answers on port 4028: reads for everybody, no writing (PROTOCOLS.md 3.9)."""

from collections.abc import Callable, Mapping

from hashbus_simulator.devices.braiins.state import BraiinsState, Status
from hashbus_simulator.devices.cgminer.codes import status
from hashbus_simulator.devices.cgminer.wire import Document, Request

Row = dict[str, object]
SOFTWARE = "boser-buildroot 0.1.0-5ca1ab1e"


def reply(miner: BraiinsState, request: Request) -> Document:
    """The document; reports can be joined."""
    if request.problem is not None:
        return _document(miner, request.problem)
    names = request.command.split("+")
    if len(names) > 1:
        return {**{name: [_report(miner, name)] for name in names}, "id": 1}
    return _report(miner, request.command)


def _report(miner: BraiinsState, name: str) -> Document:
    report = REPORTS.get(name)
    return report(miner) if report is not None else _document(miner, 14)


def version(miner: BraiinsState) -> Document:
    """`version`: no model, only the software."""
    return _document(miner, 22, VERSION=[{"API": "3.7", "BOSer": SOFTWARE}])


def devdetails(miner: BraiinsState) -> Document:
    """`devdetails`: the model."""
    rows: list[Row] = [
        {
            "DEVDETAILS": board,
            "Name": "Hash Chain",
            "ID": board,
            "Driver": "",
            "Kernel": "",
            "Model": miner.block.model,
            "Device Path": "",
            "Chips": miner.physics.model.chips_per_board,
        }
        for board in range(miner.physics.model.boards)
    ]
    return _document(miner, 69, DEVDETAILS=rows)


def summary(miner: BraiinsState) -> Document:
    """`summary`: hashrates in MH/s."""
    physics = miner.physics
    row: Row = {
        "Elapsed": miner.process_uptime_s,
        "MHS av": round(physics.hash_average_ths * 1e6, 2),
        "MHS 5s": round(physics.measured(physics.hashrate_ths, 1, spread=0.02) * 1e6, 2),
        "MHS 1m": round(physics.hash_1min_ths * 1e6, 2),
        "MHS 15m": round(physics.hash_15min_ths * 1e6, 2),
        "Found Blocks": 0,
        "Accepted": physics.accepted,
        "Rejected": physics.rejected,
        "Hardware Errors": physics.hw_errors,
        "Stale": 0,
        "Best Share": 776_342_690,
    }
    return _document(miner, 11, SUMMARY=[row])


def devs(miner: BraiinsState) -> Document:
    """`devs`: one row for each board."""
    physics, boards = miner.physics, miner.physics.model.boards
    rows: list[Row] = [
        {
            "ASC": board,
            "Name": "",
            "ID": board + 1,
            "Enabled": "Y",
            "Status": "Alive" if miner.status is Status.NORMAL else "Dead",
            "Temperature": round(physics.heat.board_c, 1),
            "MHS av": round(physics.hash_average_ths * 1e6 / boards, 2),
            "MHS 5s": round(physics.hashrate_ths * 1e6 / boards, 2),
            "Accepted": physics.accepted // boards,
            "Rejected": physics.rejected // boards,
            "Hardware Errors": physics.hw_errors // boards,
        }
        for board in range(boards)
    ]
    return _document(miner, 9, len(rows), DEVS=rows)


def pools(miner: BraiinsState) -> Document:
    """`pools`: those of all groups."""
    listed = [pool for group in miner.groups for pool in group.pools]
    rows: list[Row] = [
        {
            "POOL": number,
            "URL": pool.url,
            "Status": "Alive",
            "Priority": number,
            "Quota": 1,
            "User": pool.user,
            "Accepted": miner.physics.accepted if number == 0 else 0,
            "Rejected": miner.physics.rejected if number == 0 else 0,
            "Stale": 0,
            "Stratum Active": number == 0 and miner.physics.is_hashing,
        }
        for number, pool in enumerate(listed)
    ]
    return _document(miner, 7, len(rows), POOLS=rows)


REPORTS: Mapping[str, Callable[[BraiinsState], Document]] = {
    "version": version,
    "devdetails": devdetails,
    "summary": summary,
    "devs": devs,
    "pools": pools,
}


def _document(miner: BraiinsState, code: int, *details: object, **sections: list[Row]) -> Document:
    head = status(code, miner.unix_s(), f"BOSer {SOFTWARE}", *details)
    head[0]["Msg"] = str(head[0]["Msg"]).replace("CGMiner", "BOSer")
    return {"STATUS": head, **sections, "id": 1}
