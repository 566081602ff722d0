"""The reports of LuxOS: those of cgminer, and its own (PROTOCOLS.md 3.8)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from hashbus_simulator.devices.luxos.state import LuxosState
from hashbus_simulator.devices.pools import Pool

Row = dict[str, object]
Read = tuple[int, tuple[object, ...], dict[str, list[Row]]]
"""Code, details of its text, and the sections of the reply."""

LOST_BOARD = 2
COMPILED = "Tue Apr  8 22:05:35 UTC 2025"
CORNERS = {
    "TopLeft": "Board Exhaust (top)",
    "TopRight": "Board Intake (top)",
    "BottomLeft": "Board Exhaust (bottom)",
    "BottomRight": "Board Intake (bottom)",
}


def version(miner: LuxosState) -> Read:
    """`version`: the model stands in `Type`, as on stock firmware."""
    row: Row = {
        "API": "3.7",
        "CompileTime": COMPILED,
        "LUXminer": miner.block.version,
        "Miner": miner.block.version.partition("-")[0],
        "Type": miner.block.model,
    }
    return 22, (), {"VERSION": [row]}


def summary(miner: LuxosState) -> Read:
    """`summary`: hashrates in GH/s."""
    physics = miner.physics
    ghs = 1e3
    row: Row = {
        "Elapsed": physics.elapsed_s,
        "GHS 5s": round(physics.measured(physics.hashrate_ths, 1, spread=0.02) * ghs, 2),
        "GHS 1m": round(physics.hash_1min_ths * ghs, 2),
        "GHS 5m": round(physics.hash_1min_ths * ghs, 2),
        "GHS 15m": round(physics.hash_15min_ths * ghs, 2),
        "GHS av": round(physics.hash_average_ths * ghs, 2),
        "Found Blocks": 0,
        "Accepted": physics.accepted,
        "Rejected": physics.rejected,
        "Stale": 0,
        "Hardware Errors": physics.hw_errors,
        "Best Share": 776_342_690,
        "Last getwork": miner.unix_s(),
    }
    return 11, (), {"SUMMARY": [row]}


def devs(miner: LuxosState) -> Read:
    """`devs`: one row for each board, hashrates in MH/s."""
    rows = [_board(miner, board) for board in range(miner.physics.model.boards)]
    return 9, (len(rows),), {"DEVS": rows}


def pools(miner: LuxosState) -> Read:
    """`pools`: those of all groups; there is one here."""
    rows = [_pool(miner, number, pool) for number, pool in enumerate(miner.pools)]
    return (7, (len(rows),), {"POOLS": rows}) if rows else (8, (), {})


def stats(miner: LuxosState) -> Read:
    """`stats`: in the shape of stock firmware, boards in numbered keys, hashrates in GH/s."""
    physics, boards = miner.physics, miner.physics.model.boards
    row: Row = {
        "STATS": 0,
        "ID": "BTM_SOC0",
        "Elapsed": physics.elapsed_s,
        "GHS 5s": round(physics.hashrate_ths * 1e3, 2),
        "GHS av": round(physics.hash_average_ths * 1e3, 2),
        "miner_count": boards,
        "frequency": round(miner.profile.frequency_mhz),
        "fan_num": physics.model.fans,
    }
    for board in range(boards):
        is_lost = miner.has_lost_board and board == LOST_BOARD
        rate_ghs = 0.0 if is_lost else physics.hashrate_ths / boards * 1e3
        row |= {
            f"chain_acn{board + 1}": 0 if is_lost else physics.model.chips_per_board,
            f"chain_rate{board + 1}": f"{rate_ghs:.2f}",
            f"freq{board + 1}": 0.0 if is_lost else miner.profile.frequency_mhz,
            f"temp{board + 1}": round(physics.heat.board_c, 1),
        }
    header: Row = {"CompileTime": COMPILED, "Miner": miner.block.version.partition("-")[0], "Type": miner.block.model}
    return 70, (), {"STATS": [header, row]}


def temps(miner: LuxosState) -> Read:
    """`temps`: sensors in the corners of the boards."""
    physics = miner.physics
    rows: list[Row] = []
    for board in range(physics.model.boards):
        hot_c = round(physics.measured(physics.heat.board_c, 10 + board, spread=0.02), 1)
        cool_c = round((hot_c + physics.ambient_c) / 2, 1)
        corners = {name: hot_c if "Exhaust" in label else cool_c for name, label in CORNERS.items()}
        rows.append({"ID": board, "TEMP": board, **corners})
    labels: Row = {name: {"Label": label, "Position": [0, 0]} for name, label in CORNERS.items()}
    return 201, (len(rows),), {"TEMPS": rows, "METADATA": [labels]}


def fans(miner: LuxosState) -> Read:
    """`fans`: none on hydro and immersion models."""
    physics = miner.physics
    control: Row = {"MinFans": 1, "PowerOffSpeed": 20}
    if miner.block.cooling != "Air":
        return 202, (0,), {"FANCTRL": [control]}
    share = 100 * physics.fan_rpm(0) / physics.model.max_fan_rpm
    speed = round(physics.fan_pct if physics.fan_pct is not None else min(100, share))
    rows: list[Row] = [
        {"FAN": f"FAN{fan + 1}", "ID": fan, "RPM": physics.fan_rpm(fan), "Speed": speed}
        for fan in range(physics.model.fans)
    ]
    return 202, (len(rows),), {"FANCTRL": [control], "FANS": rows}


def power(miner: LuxosState) -> Read:
    """`power`: in whole watts; `PSU` says whether the power supply has measured them."""
    physics = miner.physics
    return 311, (), {"POWER": [{"PSU": True, "Watts": round(physics.measured(physics.power_w, 2, spread=0.01))}]}


def config(miner: LuxosState) -> Read:
    """`config`: who it is, and how it is set."""
    physics = miner.physics
    row: Row = {
        "ASC Count": physics.model.boards,
        "ControlBoardType": "cvitek",
        "Cooling": miner.block.cooling,
        "CurtailMode": "Sleep" if physics.asleep else "None",
        "GreenLed": "auto",
        "Hostname": miner.place.id,
        "IPAddr": miner.place.host,
        "ImmersionMode": miner.block.cooling == "Immersion",
        "IsAtmEnabled": miner.block.atm,
        "IsPowerSupplyOn": not physics.asleep,
        "IsTuning": False,
        "MACAddr": miner.place.mac,
        "Model": miner.block.model,
        "NameplateTHS": physics.model.hashrate_ths,
        "OS": "LuxOS",
        "PSULabel": "APW121215e",
        "Pool Count": len(miner.pools),
        "Profile": miner.profile.name,
        "ProfileStep": str(miner.profile.step),
        "RedLed": miner.red_led,
        "SerialNumber": miner.place.serial,
        "Strategy": "Failover",
        "SystemStatus": "Normal",
    }
    return 33, (), {"CONFIG": [row]}


def profiles(miner: LuxosState) -> Read:
    """`profiles`: from the slowest to the fastest."""
    rows: list[Row] = [
        {
            "Profile Name": profile.name,
            "Frequency": profile.frequency_mhz,
            "Hashrate": profile.rate_ths,
            "Step": f"{profile.step:+d}" if profile.step else "0",
            "Voltage": round(13.4 + profile.step * 0.1, 2),
            "Watts": profile.power_w,
            "IsDynamic": True,
            "IsTuned": False,
        }
        for profile in miner.profiles
    ]
    return 320, (), {"PROFILES": rows}


def events(miner: LuxosState) -> Read:
    """`events`: what is out of the ordinary now."""
    rows: list[Row] = []
    if miner.physics.asleep:
        rows.append(_event(miner, "SLEEP", "Miner is in Sleep mode.", "MINER"))
    elif miner.is_ramping:
        rows.append(_event(miner, "REBOOT_SYSINIT", "Board reboot due to system initialization.", "BOARD"))
    if miner.has_lost_board:
        text = "Board was removed or connection to control board is faulty."
        rows.append(_event(miner, "BOARD_NOT_DETECTED", text, "BOARD") | {"ID": LOST_BOARD})
    return 357, (), {"EVENTS": rows}


def atm(miner: LuxosState) -> Read:
    """`atm`: how the firmware changes profiles by temperature."""
    row: Row = {
        "Enabled": miner.block.atm,
        "MaxProfile": miner.max_profile,
        "MinProfile": "",
        "PostRampMinutes": 15,
        "StartupMinutes": 15,
        "TempWindow": 5.0,
    }
    return 339, (), {"ATM": [row]}


def session(miner: LuxosState) -> Read:
    """`session`: who holds it."""
    return 319, (), {"SESSION": [{"SessionID": miner.session.holder}]}


REPORTS: Mapping[str, Callable[[LuxosState], Read]] = {
    "version": version,
    "summary": summary,
    "devs": devs,
    "pools": pools,
    "stats": stats,
    "temps": temps,
    "fans": fans,
    "power": power,
    "config": config,
    "profiles": profiles,
    "events": events,
    "atm": atm,
    "session": session,
}


def _event(miner: LuxosState, code: str, text: str, target: str) -> Row:
    url = f"https://docs.example/events#{code.lower()}"
    created = datetime.fromtimestamp(miner.unix_s(), UTC).isoformat()
    return {"Code": code, "CreatedAt": created, "Description": text, "DocUrl": url, "Target": target}


def _board(miner: LuxosState, board: int) -> Row:
    physics, boards = miner.physics, miner.physics.model.boards
    is_lost = miner.has_lost_board and board == LOST_BOARD
    share = 0.0 if is_lost else 1e6 / boards
    return {
        "ASC": board,
        "ID": board,
        "Board": "BHB42601",
        "Connector": f"J{board + 7}",
        "Enabled": "Y",
        "Status": "Dead" if is_lost else "Alive",
        "Temperature": 0.0 if is_lost else round(physics.heat.board_c, 1),
        "MHS 5s": physics.measured(physics.hashrate_ths, 16 + board, spread=0.02) * share,
        "MHS 1m": physics.hash_1min_ths * share,
        "MHS av": physics.hash_average_ths * share,
        "Nominal MHS": miner.profile.rate_ths * 1e6 / boards,
        "Accepted": physics.accepted // boards,
        "Rejected": physics.rejected // boards,
        "Hardware Errors": physics.hw_errors // boards,
        "IsRamping": miner.is_ramping,
        "IsUserShutdown": False,
        "Profile": miner.profile.name,
        "SerialNumber": f"{miner.place.serial}B{board}",
    }


def _pool(miner: LuxosState, number: int, pool: Pool) -> Row:
    is_used = number == miner.active_pool
    is_connected = is_used and not miner.physics.asleep
    return {
        "POOL": number,
        "GROUP": 0,
        "URL": pool.url,
        "User": pool.user,
        "Status": "Dead" if miner.physics.asleep else "Alive",
        "Priority": 0 if is_used else number + 1,
        "Quota": 1.0,
        "Accepted": miner.physics.accepted if is_used else 0,
        "Rejected": miner.physics.rejected if is_used else 0,
        "Stale": 0,
        "Stratum Active": is_connected,
        "Stratum URL": pool.url.partition("://")[2],
    }
