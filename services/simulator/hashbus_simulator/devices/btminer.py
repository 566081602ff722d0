"""What every WhatsMiner tells on port 4028, whatever envelope its firmware puts it into (PROTOCOLS.md 2.3)."""

from datetime import UTC, datetime
from typing import Protocol

from hashbus_simulator.devices.contract import Place
from hashbus_simulator.devices.pools import Pool
from hashbus_simulator.models import Cooling
from hashbus_simulator.physics import MinerPhysics

Row = dict[str, object]


class Build(Protocol):
    """The part of a configured block that these reports show."""

    @property
    def firmware(self) -> str:
        """Its version."""

    @property
    def error_codes(self) -> tuple[int, ...]:
        """The faults it is to show."""


class Btminer(Protocol):
    """What a miner must remember to be reported on."""

    @property
    def block(self) -> Build:
        """How it is configured."""

    @property
    def place(self) -> Place:
        """Who and where it is."""

    @property
    def physics(self) -> MinerPhysics:
        """The miner as a load."""

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The first one that is set is mined at."""

    @property
    def power_mode(self) -> str:
        """`low`, `normal` or `high`."""

    @property
    def fast_boot(self) -> str:
        """`enable` or `disable`."""

    @property
    def fast_hash(self) -> str:
        """`enable` or `disable`."""

    @property
    def hostname(self) -> str:
        """On the network."""

    @property
    def led(self) -> object:
        """`auto`, or what the lights were told."""

    def unix_s(self) -> int:
        """The miner's clock."""


def summary(miner: Btminer) -> Row:
    """`summary`: hashrates in MH/s, power in W; asleep the power limit reads 0."""
    physics, model = miner.physics, miner.physics.model
    mhs = 1e6
    now_ths = physics.measured(physics.hashrate_ths, 1, spread=0.02)
    power_w = physics.measured(physics.power_w, 20, spread=0.004)
    return {
        "Elapsed": physics.elapsed_s,
        "MHS av": round(physics.hash_average_ths * mhs, 2),
        "MHS 5s": round(now_ths * mhs, 2),
        "MHS 1m": round(physics.hash_1min_ths * mhs, 2),
        "MHS 5m": round(physics.hash_1min_ths * mhs, 2),
        "MHS 15m": round(physics.hash_15min_ths * mhs, 2),
        "HS RT": round(now_ths * mhs, 2),
        "Accepted": physics.accepted,
        "Rejected": physics.rejected,
        "Total MH": round(physics.terahashes * mhs),
        "Temperature": round(physics.heat.board_c, 1),
        "freq_avg": round(model.freq_mhz * physics.demand.freq_share),
        "Fan Speed In": physics.fan_rpm(0),
        "Fan Speed Out": physics.fan_rpm(1),
        "Power": round(power_w),
        "Power Rate": round(power_w / now_ths, 2) if now_ths > 1 else 0,
        "Power_RT": round(power_w),
        "Pool Rejected%": 0.2,
        "Pool Stale%": 0.0,
        "Uptime": physics.uptime_s,
        "Target Freq": round(model.freq_mhz * physics.demand.freq_share),
        "Target MHS": round(model.hashrate_ths * mhs),
        "Env Temp": round(physics.ambient_c, 1),
        "Power Mode": miner.power_mode.capitalize(),
        "Factory GHS": round(model.hashrate_ths * 1000),
        "Power Limit": 0 if physics.asleep else int(physics.demand.limit_w),
        "Chip Temp Min": round(physics.heat.chip_c - 8, 1),
        "Chip Temp Max": round(physics.heat.chip_c + 9, 1),
        "Chip Temp Avg": round(physics.heat.chip_c, 1),
        "Hash Stable": "true" if physics.is_tuned else "false",
        "Hash Deviation%": -0.1,
        "Liquid Cooling": model.cooling is Cooling.LIQUID,
        "Upfreq Complete": int(physics.is_tuned),
        "Btminer Fast Boot": miner.fast_boot,
        "Firmware Version": f"'{miner.block.firmware}'",
        "MAC": miner.place.mac,
        "Power Current": round(power_w / 231.5, 2),
        "Power Fanspeed": 0 if model.cooling is Cooling.LIQUID else 7200,
        "Error Code Count": len(miner.block.error_codes),
    }


def version(miner: Btminer, api: str) -> Row:
    """`get_version`."""
    return {
        "api_ver": api,
        "fw_ver": miner.block.firmware,
        "platform": "H616",
        "chip": miner.physics.model.chip,
        "miner_type": miner.physics.model.name,
    }


def status(miner: Btminer) -> Row:
    """`status`: `mineroff` is a string, true while it sleeps."""
    physics = miner.physics
    return {
        "mineroff": "true" if physics.asleep else "false",
        "mineroff_reason": "",
        "mineroff_time": "",
        "FirmwareVersion": miner.block.firmware,
        "power_mode": miner.power_mode,
        "power_limit_set": str(int(physics.demand.limit_w)),
        "power_pct": str(int(physics.demand.percent)),
        "hash_percent": "0",
        "fast_hash": miner.fast_hash,
        "liquid_temp": str(round(physics.heat.body_c, 1)) if physics.model.cooling is Cooling.LIQUID else "",
    }


def pools(miner: Btminer) -> list[Row]:
    """`pools`: POOL numbers from 1, `Last Share Time` in Unix seconds."""
    physics = miner.physics
    rows: list[Row] = []
    for number, pool in enumerate(miner.pools, start=1):
        is_active = number == 1 and physics.is_hashing
        rows.append(
            {
                "POOL": number,
                "URL": pool.url,
                "Status": "Alive",
                "Priority": number - 1,
                "User": pool.user,
                "Stratum Active": is_active,
                "Stratum Difficulty": 524288.0 if is_active else 0.0,
                "Accepted": physics.accepted if is_active else 0,
                "Rejected": physics.rejected if is_active else 0,
                "Stale": 0,
                "Last Share Time": miner.unix_s() - 9 if is_active else 0,
                "Pool Rejected%": 0.2 if is_active else 0.0,
                "Pool Stale%": 0.0,
                "Current Block Height": 920_000,
            }
        )
    return rows


def edevs(miner: Btminer, *, in_terahashes: bool) -> list[Row]:
    """`edevs` and `devs`: firmware of the v3 era has `MHS av` in TH/s, unlike everywhere else (PROTOCOLS.md 2.3)."""
    physics, model = miner.physics, miner.physics.model
    per_ths = 1.0 if in_terahashes else 1e6
    return [
        {
            "ASC": board,
            "Slot": board,
            "Enabled": "Y",
            "Status": "Alive",
            "Temperature": round(physics.heat.board_c, 1),
            "Chip Frequency": round(model.freq_mhz * physics.demand.freq_share),
            "MHS av": round(physics.hash_average_ths / model.boards * per_ths, 2),
            "HS RT": round(physics.hashrate_ths / model.boards * per_ths, 2),
            "Factory GHS": round(model.hashrate_ths * 1000 / model.boards),
            "Upfreq Complete": int(physics.is_tuned),
            "Effective Chips": model.chips_per_board,
            "PCB SN": f"H{miner.place.serial}{board}",
            "Chip Temp Min": round(physics.heat.chip_c - 8, 1),
            "Chip Temp Max": round(physics.heat.chip_c + 9, 1),
            "Chip Temp Avg": round(physics.heat.chip_c, 1),
        }
        for board in range(model.boards)
    ]


def psu(miner: Btminer) -> Row:
    """`get_psu`: all strings, `vin` in hundredths of a volt, `iin` in mA."""
    physics, model = miner.physics, miner.physics.model
    return {
        "name": model.psu,
        "hw_version": "V01.00",
        "sw_version": "V02.10",
        "model": model.psu,
        "enable": "1",
        "iin": str(round(physics.power_w / 231.5 * 1000)),
        "vin": "23150",
        "pin": str(round(physics.power_w)),
        "fan_speed": "0" if model.cooling is Cooling.LIQUID else "7200",
        "temp0": str(round(physics.psu_c, 1)),
        "serial_no": f"P{miner.place.serial}",
        "vendor": "7",
    }


def miner_info(miner: Btminer) -> Row:
    """`get_miner_info`."""
    return {
        "ip": miner.place.host,
        "proto": "dhcp",
        "netmask": "255.255.255.0",
        "hostname": miner.hostname,
        "mac": miner.place.mac,
        "ledstat": "auto" if miner.led == "auto" else "manual",
        "minersn": miner.place.serial,
        "powersn": f"P{miner.place.serial}",
    }


def error_codes(miner: Btminer) -> list[Row]:
    """`get_error_code`: each fault with the local time at which it began."""
    at = datetime.fromtimestamp(miner.unix_s() - 3600, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return [{str(code): at} for code in miner.block.error_codes]
