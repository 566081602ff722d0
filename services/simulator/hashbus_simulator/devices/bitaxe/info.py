"""What a Bitaxe says: `/api/system/info`, `/asic` and `/statistics`, in the keys and types of its firmware."""

import math
from collections.abc import Sequence

from hashbus_simulator.devices.bitaxe.miner import BitaxeMiner, Halt
from hashbus_simulator.devices.bitaxe.rules import HIDDEN_PASSWORD
from hashbus_simulator.physics import REJECTED_PART

POOL_DIFFICULTY = 2048
NETWORK_DIFFICULTY = 1.5227e14
HASHES_PER_DIFFICULTY = 2.0**32
RECORD_DIFFICULTY = 4_294_967_296
NO_TEMPERATURE_C = -1
POOL_PING_MS = 31.2
FIRMWARE_BUILT = ("Jan  1 2026", "12:00:00")
SUFFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
# Keys that are in `info` only while there is something to say.
OPTIONAL_KEYS = ("power_fault", "hardware_fault")

Facts = dict[str, object]


def info(miner: BitaxeMiner, *, mac: str, host: str) -> Facts:
    """The reply to `GET /api/system/info`: the keys of the firmware, in its order."""
    miner.physics.catch_up()
    facts = (
        _electrical(miner) | _mining(miner) | _identity(miner, mac, host) | _pools(miner) | _settings(miner) | _memory()
    )
    if Halt.POWER_FAULT in miner.halts:
        facts["power_fault"] = "VIN_UV_FAULT: input voltage too low"
    return {key: _as_cjson(facts[key]) for key in miner.firmware.info_keys if key in facts or key not in OPTIONAL_KEYS}


def asic(miner: BitaxeMiner) -> Facts:
    """The reply to `GET /api/system/asic`."""
    board, chip = miner.board, miner.board.chip
    reply: Facts = {"ASICModel": chip.name}
    if miner.firmware.since(2, 9):
        reply |= {"deviceModel": board.device_model, "swarmColor": board.swarm_color, "asicCount": board.chips}
    if miner.firmware.since(2, 12):
        reply |= {"hashDomains": chip.hash_domains}
    return reply | {
        "defaultFrequency": chip.frequency_mhz,
        "frequencyOptions": list(chip.frequency_options_mhz),
        "defaultVoltage": chip.core_mv,
        "voltageOptions": list(chip.core_options_mv),
    }


def statistics_row(miner: BitaxeMiner) -> Facts:
    """One line of the device's own history; the labels are those of its firmware."""
    facts = _electrical(miner) | _mining(miner) | _memory() | {"wifiRSSI": _rssi_dbm(miner)}
    now_ms = int(miner.clock() * 1000)
    if not miner.firmware.since(2, 12):
        labels = (
            "hashRate",
            "temp",
            "vrTemp",
            "power",
            "voltage",
            "current",
            "coreVoltageActual",
            "fanspeed",
            "fanrpm",
        )
        old = {label: facts[label] for label in (*labels, "wifiRSSI", "freeHeap")}
        return {key: _as_cjson(value) for key, value in old.items()} | {"timestamp": now_ms}
    renamed = {
        "hashRate": "hashrate", "hashRate_1m": "hashrate_1m", "hashRate_10m": "hashrate_10m",
        "hashRate_1h": "hashrate_1h", "errorPercentage": "errorPercentage", "temp": "asicTemp", "vrTemp": "vrTemp",
        "coreVoltageActual": "asicVoltage", "voltage": "voltage", "power": "power", "current": "current",
        "fanspeed": "fanSpeed", "fanrpm": "fanRpm", "fan2rpm": "fan2Rpm", "wifiRSSI": "wifiRssi",
        "freeHeap": "freeHeap",
    }  # fmt: skip
    return {label: _as_cjson(facts[key]) for key, label in renamed.items()} | {"timestamp": now_ms}


def statistics(rows: Sequence[Facts], labels: Sequence[str], now_ms: int) -> Facts:
    """The reply to `GET /api/system/statistics`: labels once, then a list of values per row."""
    return {
        "currentTimestamp": now_ms,
        "labels": list(labels),
        "statistics": [[row[label] for label in labels] for row in rows],
    }


def with_suffix(difficulty: float) -> str:
    """A difficulty as firmware up to 2.10 writes it: three digits and a suffix, "4.29G"."""
    for size, suffix in SUFFIXES:
        if difficulty >= size:
            scaled = difficulty / size
            decimals = max(0, 2 - int(math.log10(scaled)))
            return f"{scaled:.{decimals}f}{suffix}"
    return str(int(difficulty))


def _electrical(miner: BitaxeMiner) -> Facts:
    physics, board = miner.physics, miner.board
    power_w = physics.measured(miner.power_w, 1, spread=0.01)
    input_mv = physics.measured(board.nominal_v * 1010, 2, spread=0.005)
    has_temperature = not miner.has_lost_sensor and not (miner.halts and miner.firmware.since(2, 12))
    chip_c = physics.measured(miner.chip_c, 3, spread=0.01) if has_temperature else NO_TEMPERATURE_C
    rise_k = miner.chip_c - physics.ambient_c
    rpm = physics.model.max_fan_rpm * miner.fan_pct / 100
    return {
        "power": power_w,
        "voltage": input_mv,
        "current": power_w / input_mv * 1e6,
        "temp": chip_c,
        "temp2": NO_TEMPERATURE_C,
        "vrTemp": round(physics.ambient_c + 1.1 * rise_k),
        "maxPower": board.max_power_w,
        "nominalVoltage": board.nominal_v,
        "coreVoltageActual": 0 if miner.halts else round(miner.number("coreVoltage") * 0.99),
        "actualFrequency": 0 if miner.halts else miner.number("frequency"),
        "fanspeed": round(miner.fan_pct),
        "fanrpm": round(physics.measured(rpm, 4, spread=0.01)),
        "fan2rpm": 0,
    }


def _mining(miner: BitaxeMiner) -> Facts:
    physics = miner.physics
    difficulty_done = physics.terahashes * 1e12 / HASHES_PER_DIFFICULTY
    shares = int(difficulty_done / POOL_DIFFICULTY)
    rejected = int(shares * REJECTED_PART)
    now_ghs = physics.measured(physics.hashrate_ths, 5, spread=0.04) * 1000
    board = miner.board
    per_chip = [now_ghs / board.chips] * board.chips
    return {
        "hashRate": now_ghs,
        "hashRate_1m": physics.hash_1min_ths * 1000,
        "hashRate_10m": physics.hash_15min_ths * 1000,
        "hashRate_1h": physics.hash_average_ths * 1000,
        "expectedHashrate": board.expected_ghs(miner.number("frequency")),
        "errorPercentage": physics.measured(0.4, 6, spread=0.5) if physics.is_hashing else 0,
        "hashrateMonitor": {"asics": [_monitored(ghs, board.chip.hash_domains) for ghs in per_chip]},
        "sharesAccepted": shares - rejected,
        "sharesRejected": rejected,
        "sharesRejectedReasons": [{"message": "Stale", "count": rejected}] if rejected else [],
        "sharesPending": 0,
        **_best_difficulty(miner, difficulty_done),
        "poolDifficulty": POOL_DIFFICULTY,
        "stratumDiff": POOL_DIFFICULTY,
        "responseTime": physics.measured(POOL_PING_MS, 7, spread=0.2),
        "responseShareBatch": 1,
        "processTime": 0.8,
        "workReceived": shares // 4,
        **_block(),
        "miningPaused": Halt.PAUSED in miner.halts,
        "uptimeSeconds": physics.uptime_s,
        "totalUptimeSeconds": physics.uptime_s,
        "totalHashes": int(physics.terahashes * 1e12),
        "totalLog2Work": math.log2(max(1.0, physics.terahashes * 1e12)),
    }


def _best_difficulty(miner: BitaxeMiner, difficulty_done: float) -> Facts:
    """The best share found: about as hard as all the work done, in the mean."""
    session = int(difficulty_done)
    best = max(RECORD_DIFFICULTY, session)
    if miner.firmware.since(2, 11):
        return {"bestDiff": best, "bestSessionDiff": session}
    return {"bestDiff": with_suffix(best), "bestSessionDiff": with_suffix(session)}


def _monitored(ghs: float, domains: int) -> Facts:
    return {"total": round(ghs, 4), "domains": [round(ghs / domains, 4)] * domains, "errorCount": 0}


def _block() -> Facts:
    return {
        "blockFound": 0,
        "showNewBlock": False,
        "blockHeight": 925_000,
        "scriptsig": "/pool.example/",
        "networkDifficulty": int(NETWORK_DIFFICULTY),
        "coinbaseValueTotalSatoshis": 314_000_000,
        "coinbaseValueUserSatoshis": 0,
        "blockSignals": [],
        "coinbaseOutputs": [],
    }


def _identity(miner: BitaxeMiner, mac: str, host: str) -> Facts:
    board, version = miner.board, miner.firmware.version
    return {
        "macAddr": mac,
        "ipv4": host,
        "ipv6": "FE80::1",
        "wifiStatus": "Connected!",
        "wifiRSSI": _rssi_dbm(miner),
        "apEnabled": 0,
        "asicCount": board.chips,
        "smallCoreCount": board.chip.small_cores,
        "ASICModel": board.chip.name,
        "version": version,
        "axeOSVersion": version,
        "idfVersion": miner.firmware.idf_version,
        "boardVersion": board.board_version,
        "resetReason": "Software reset via esp_restart" if miner.physics.reboots else "Reset due to power-on event",
        "runningPartition": "ota_0",
        "isPSRAMAvailable": 1,
        "partitions": [
            _partition("factory", None, is_current=False),
            _partition("ota_0", version, is_current=True),
        ],
    }


def _partition(label: str, version: str | None, *, is_current: bool) -> Facts:
    date, time = FIRMWARE_BUILT if version else (None, None)
    return {
        "label": label,
        "isCurrent": is_current,
        "isFactory": label == "factory",
        "version": version,
        "compileDate": date,
        "compileTime": time,
        "usagePercent": 62 if version else None,
    }


def _pools(miner: BitaxeMiner) -> Facts:
    """The flat pool keys, and from 2.15 the slots."""
    has_flags = miner.firmware.since(2, 14)  # before, 0 and 1
    facts: Facts = {
        "poolAddrFamily": 2,
        "poolConnectionInfo": "IPv4",
        "isUsingFallbackStratum": 0,
        "pools": [
            {"id": number, **slot, "stratumPassword": HIDDEN_PASSWORD} for number, slot in sorted(miner.pools.items())
        ],
    }
    for prefix in ("stratum", "fallbackStratum"):
        for key, value in miner.shown_pool(prefix).items():
            shown = int(value) if isinstance(value, bool) and not has_flags else value
            facts[prefix + key.removeprefix("stratum")] = shown
    return facts


def _settings(miner: BitaxeMiner) -> Facts:
    return {key: value for key, value in miner.settings.items() if "tratum" not in key} | {
        "useFallbackStratum": miner.settings["useFallbackStratum"],
        "fanspeed": round(miner.fan_pct),
        "statsLimit": 720,
    }


def _memory() -> Facts:
    return {
        "freeHeap": 8_200_112,
        "freeHeapInternal": 112_640,
        "freeHeapSpiram": 8_087_472,
        "minFreeHeap": 8_101_000,
        "maxAllocHeap": 81_920,
        "cpuUsage": 12.5,
    }


def _rssi_dbm(miner: BitaxeMiner) -> int:
    return round(miner.physics.measured(-54.0, 8, spread=0.05))


def _as_cjson(value: object) -> object:
    """A number as cJSON prints it: seven decimals at most, none for a whole one."""
    if isinstance(value, float):
        rounded = round(value, 7)
        return int(rounded) if rounded.is_integer() else rounded
    return value
