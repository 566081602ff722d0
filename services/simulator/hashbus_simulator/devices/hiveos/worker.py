"""What the Hive API says of a worker: the fields of its description that an ASIC fills. Hashrates in kH/s."""

from hashbus_simulator.devices.contract import Place
from hashbus_simulator.hiveos_settings import HiveosBlock
from hashbus_simulator.physics import MinerPhysics

ASIC = 2
"""The platform of an ASIC; 1 is a rig of graphics cards."""

KILO_OF_TERA = 1e9
IMAGE = "Thu Dec 12 10:11:12 CST 2024"


def worker(block: HiveosBlock, place: Place, physics: MinerPhysics, unix_s: int) -> dict[str, object]:
    """The worker at this moment; one that boots is offline, with what it last said left out."""
    is_online = physics.offline_left_s == 0
    is_mining = is_online and not physics.asleep
    return {
        "id": block.worker_id,
        "farm_id": block.farm_id,
        "platform": ASIC,
        "name": place.id,
        "active": True,
        "ip_addresses": ["192.0.2.21"],
        "versions": {"hive": "0.1-28"},
        "hardware_info": {"net_interfaces": [{"iface": "eth0", "mac": place.mac.lower()}]},
        "asic_info": {
            "model": block.model,
            "short_name": block.model.removeprefix("Antminer "),
            "firmware": IMAGE,
            "hiveon": True,
            "control_board": "xilinx",
        },
        "stats": _stats(block, physics, unix_s, is_online=is_online),
        "miners_summary": {"hashrates": [_summary(physics)] if is_mining else []},
        "miners_stats": {"hashrates": [_rates(physics)] if is_mining else []},
        "asic_stats": _asic_stats(physics) if is_online else {},
    }


def _stats(block: HiveosBlock, physics: MinerPhysics, unix_s: int, *, is_online: bool) -> dict[str, object]:
    boards = physics.model.boards
    return {
        "online": is_online,
        "boot_time": unix_s - physics.uptime_s,
        "stats_time": unix_s,
        "miner_start_time": unix_s - physics.elapsed_s,
        "boards_online": boards if is_online else 0,
        "boards_offline": 0 if is_online else boards,
        "boards_overheated": 0,
        "power_draw": round(physics.power_w),
        "overheated": False,
        "problems": list(block.problems),
    }


def _summary(physics: MinerPhysics) -> dict[str, object]:
    accepted, rejected = physics.accepted, physics.rejected
    return {
        "miner": "asicminer",
        "algo": "sha256",
        "coin": "BTC",
        "hash": round(physics.hashrate_ths * KILO_OF_TERA),
        "shares": {
            "accepted": accepted,
            "rejected": rejected,
            "invalid": 0,
            "ratio": round(100 * accepted / max(1, accepted + rejected), 2),
        },
    }


def _rates(physics: MinerPhysics) -> dict[str, object]:
    boards = physics.model.boards
    share = physics.hashrate_ths * KILO_OF_TERA / boards
    return {"miner": "asicminer", "algo": "sha256", "coin": "BTC", "hashes": [round(share)] * boards}


def _asic_stats(physics: MinerPhysics) -> dict[str, object]:
    model = physics.model
    boards = [
        {
            "chain": number + 1,
            "acn": model.chips_per_board,
            "freq": model.freq_mhz,
            "status": [1] * model.chips_per_board,
            "temp": round(physics.heat.chip_c),
            "board_temp": round(physics.heat.body_c),
            "hw_errors": physics.hw_errors // model.boards,
            "chain_voltage": 13_200,
        }
        for number in range(model.boards)
    ]
    fans = [{"index": fan + 1, "fan": 60, "fan_rpm": physics.fan_rpm(fan)} for fan in range(model.fans)]
    return {"fans": fans, "fans_count": len(fans), "boards": boards, "asicboost": True}
