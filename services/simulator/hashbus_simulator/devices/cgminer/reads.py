"""The report commands of plain cgminer: what it knows about itself, its boards and its pools."""

from collections.abc import Callable, Mapping

from hashbus_simulator.devices.cgminer.state import CgminerState
from hashbus_simulator.devices.pools import Pool
from hashbus_simulator.physics import SHARE_DIFFICULTY, MinerPhysics

Row = dict[str, object]
Read = tuple[int, tuple[object, ...], dict[str, list[Row]]]
"""Code, details of its text, and the sections of the reply."""


def version(miner: CgminerState) -> Read:
    """`version`."""
    return 22, (), {"VERSION": [{"CGMiner": "4.12.1", "API": "3.7", "Type": miner.model_name}]}


def summary(miner: CgminerState) -> Read:
    """`summary`: hashrates in MH/s."""
    physics = miner.physics
    row: Row = {"Elapsed": physics.elapsed_s, **_rates(physics, 1.0)}
    row.update({"Found Blocks": 0, "Getworks": physics.elapsed_s // 30})
    row.update(_counts(physics, 1.0))
    minutes = max(1, physics.elapsed_s) / 60
    row.update(
        {
            "Utility": round(physics.accepted / minutes, 2),
            "Discarded": 0,
            "Stale": 0,
            "Get Failures": 0,
            "Local Work": physics.shares * 40,
            "Remote Failures": 0,
            "Network Blocks": physics.elapsed_s // 600,
            "Work Utility": round(physics.shares * SHARE_DIFFICULTY / minutes, 2),
            "Difficulty Stale": 0.0,
            "Best Share": 1_234_567,
            "Device Hardware%": 0.01,
            "Device Rejected%": 0.2,
            "Pool Rejected%": 0.2,
            "Pool Stale%": 0.0,
            "Last getwork": miner.unix_s(),
        }
    )
    return 11, (), {"SUMMARY": [row]}


def devs(miner: CgminerState) -> Read:
    """`devs`: one row for each board, hashrates in MH/s."""
    rows = [_board(miner, board) for board in range(miner.physics.model.boards)]
    return 9, (len(rows),), {"DEVS": rows}


def asc(miner: CgminerState, board: int) -> Read:
    """`asc`: one board."""
    return 106, (board,), {"ASC": [_board(miner, board)]}


def asccount(miner: CgminerState) -> Read:
    """`asccount`."""
    return 104, (), {"ASCS": [{"Count": miner.physics.model.boards}]}


def devdetails(miner: CgminerState) -> Read:
    """`devdetails`: driver and model of each board."""
    rows: list[Row] = [
        {
            "DEVDETAILS": board,
            "Name": "GSK",
            "ID": board,
            "Driver": "gekko",
            "Kernel": "",
            "Model": miner.model_name,
            "Device Path": "",
        }
        for board in range(miner.physics.model.boards)
    ]
    return 69, (), {"DEVDETAILS": rows}


def pools(miner: CgminerState) -> Read:
    """`pools`: POOL numbers from 0, `Last Share Time` in Unix seconds."""
    if not miner.pools:
        return 8, (), {}
    rows = [_pool(miner, number, pool) for number, pool in enumerate(miner.pools)]
    return 7, (len(rows),), {"POOLS": rows}


def stats(miner: CgminerState) -> Read:
    """`stats`: one row for each board with its frequency, chips and fans."""
    physics = miner.physics
    rows: list[Row] = [
        {
            "STATS": board,
            "ID": f"GSK{board}",
            "Elapsed": physics.elapsed_s,
            "Calls": 0,
            "Wait": 0.0,
            "Max": 0.0,
            "Min": 99999999.0,
            "Chips": physics.model.chips_per_board,
            "Frequency": round(physics.model.freq_mhz * physics.demand.freq_share, 2),
            "Fan": physics.fan_rpm(0),
            "Temp": round(physics.measured(physics.heat.chip_c, board, spread=0.02), 1),
        }
        for board in range(physics.model.boards)
    ]
    return 70, (), {"STATS": rows}


def config(miner: CgminerState) -> Read:
    """`config`."""
    row: Row = {
        "ASC Count": miner.physics.model.boards,
        "PGA Count": 0,
        "Pool Count": len(miner.pools),
        "Strategy": "Failover",
        "Log Interval": 5,
        "Device Code": "GSK ",
        "OS": "Linux",
        "Hotplug": "5",
    }
    return 33, (), {"CONFIG": [row]}


def coin(miner: CgminerState) -> Read:
    """`coin`."""
    row: Row = {
        "Hash Method": "sha256",
        "Current Block Time": float(miner.unix_s() - 240),
        "Current Block Hash": "",
        "LP": True,
        "Network Difficulty": 152_270_000_000_000.0,
    }
    return 78, (), {"COIN": [row]}


REPORTS: Mapping[str, Callable[[CgminerState], Read]] = {
    "version": version,
    "summary": summary,
    "devs": devs,
    "edevs": devs,
    "devdetails": devdetails,
    "pools": pools,
    "stats": stats,
    "estats": stats,
    "config": config,
    "coin": coin,
    "asccount": asccount,
}
"""The commands that may be joined with `+` (PROTOCOLS.md 3.1)."""


def _rates(physics: MinerPhysics, share: float) -> Row:
    """Hashrates in MH/s: average, 5 s, 1, 5 and 15 minutes."""
    mhs = 1e6 * share
    return {
        "MHS av": round(physics.hash_average_ths * mhs, 2),
        "MHS 5s": round(physics.measured(physics.hashrate_ths, 1, spread=0.02) * mhs, 2),
        "MHS 1m": round(physics.hash_1min_ths * mhs, 2),
        "MHS 5m": round(physics.hash_1min_ths * mhs, 2),
        "MHS 15m": round(physics.hash_15min_ths * mhs, 2),
    }


def _counts(physics: MinerPhysics, share: float) -> Row:
    accepted, rejected = int(physics.accepted * share), int(physics.rejected * share)
    return {
        "Accepted": accepted,
        "Rejected": rejected,
        "Hardware Errors": int(physics.hw_errors * share),
        "Total MH": round(physics.terahashes * share * 1e6, 4),
        "Difficulty Accepted": float(accepted * SHARE_DIFFICULTY),
        "Difficulty Rejected": float(rejected * SHARE_DIFFICULTY),
    }


def _board(miner: CgminerState, board: int) -> Row:
    physics = miner.physics
    is_on = board not in miner.disabled_boards
    share = 1.0 / max(1, physics.model.boards - len(miner.disabled_boards)) if is_on else 0.0
    return {
        "ASC": board,
        "Name": "GSK",
        "ID": board,
        "Enabled": "Y" if is_on else "N",
        "Status": "Alive",
        "Temperature": round(physics.measured(physics.heat.chip_c, board, spread=0.02), 2),
        **_rates(physics, share),
        **_counts(physics, share),
        "Utility": 0.0,
        "Last Share Pool": miner.active_pool,
        "Last Share Time": miner.last_share_unix_s(),
        "Diff1 Work": int(physics.shares * share) * SHARE_DIFFICULTY,
        "Last Share Difficulty": float(SHARE_DIFFICULTY),
        "Last Valid Work": miner.last_share_unix_s(),
        "Device Hardware%": 0.01,
        "Device Rejected%": 0.2,
        "Device Elapsed": physics.elapsed_s,
    }


def _pool(miner: CgminerState, number: int, pool: Pool) -> Row:
    is_active = number == miner.active_pool and miner.physics.is_hashing
    physics = miner.physics
    return {
        "POOL": number,
        "URL": pool.url,
        "Status": "Alive" if pool.is_enabled else "Disabled",
        "Priority": number,
        "Quota": 1,
        "Long Poll": "N",
        "Getworks": physics.elapsed_s // 30 if is_active else 0,
        "Accepted": physics.accepted if is_active else 0,
        "Rejected": physics.rejected if is_active else 0,
        "Works": physics.shares * 40 if is_active else 0,
        "Discarded": 0,
        "Stale": 0,
        "Get Failures": 0,
        "Remote Failures": 0,
        "User": pool.user,
        "Last Share Time": miner.last_share_unix_s() if is_active else 0,
        "Diff1 Shares": 0,
        "Proxy Type": "",
        "Proxy": "",
        "Difficulty Accepted": float(physics.accepted * SHARE_DIFFICULTY) if is_active else 0.0,
        "Difficulty Rejected": float(physics.rejected * SHARE_DIFFICULTY) if is_active else 0.0,
        "Difficulty Stale": 0.0,
        "Last Share Difficulty": float(SHARE_DIFFICULTY),
        "Has Stratum": True,
        "Stratum Active": is_active,
        "Stratum URL": pool.url.partition("://")[2].partition(":")[0] if is_active else "",
        "Stratum Difficulty": float(SHARE_DIFFICULTY),
        "Has GBT": False,
        "Best Share": 1_234_567,
        "Pool Rejected%": 0.2,
        "Pool Stale%": 0.0,
    }
