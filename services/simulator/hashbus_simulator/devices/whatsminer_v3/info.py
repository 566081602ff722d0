"""`get.device.info`: who the miner is and how its supply does (PROTOCOLS.md 1.5)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from hashbus_simulator.devices.whatsminer_v3.state import MODES, WhatsminerState
from hashbus_simulator.models import Cooling

Section = dict[str, object]
GRID_V = 231.5


def device_info(miner: WhatsminerState, section: str | None) -> dict[str, object] | None:
    """All sections, or the one asked for; None for a section that does not exist."""
    if section is None:
        return {name: make(miner) for name, make in SECTIONS.items()}
    make = SECTIONS.get(section)
    return None if make is None else {section: make(miner)}


def network(miner: WhatsminerState) -> Section:
    """Address and MAC."""
    gateway = miner.place.host.rpartition(".")[0] + ".1"
    static = miner.net_config
    ip, netmask, gateway, dns = static or (miner.place.host, "255.255.255.0", gateway, gateway)
    return {
        "ip": ip,
        "proto": "static" if static else "dhcp",
        "netmask": netmask,
        "dns": dns,
        "mac": miner.place.mac,
        "gateway": gateway,
        "hostname": miner.hostname,
    }


def mining(miner: WhatsminerState) -> Section:
    """Model, boards and limits; `working` is a string."""
    physics, model, serial = miner.physics, miner.physics.model, miner.place.serial
    board_ghs = model.hashrate_ths / model.boards * 1000
    info: Section = {
        "working": "false" if physics.asleep else "true",
        "type": model.name,
        "hash-board": model.hashboard,
        "detect-hash-rate": ":".join(str(int(board_ghs) + 40 * board) for board in range(model.boards)),
        "cointype": miner.cointype,
        "pool-strategy": "failover",
        "heatmode": miner.heat_mode,
        "hash-percent": "0",
        "eeprom-liquid-cooling": "1" if model.cooling is Cooling.LIQUID else "0",
        "fast-boot": miner.fast_boot,
        "board-num": str(model.boards),
    }
    info |= {f"pcbsn{board}": f"H{serial}{board}" for board in range(model.boards)}
    return info | {
        "miner-sn": serial,
        "power-limit-set": str(int(physics.demand.limit_w)),
        "web-pool": int(miner.web_pools),
        "permission": miner.vault.permissions,
    }


def system(miner: WhatsminerState) -> Section:
    """Firmware and the switch that allows writing."""
    return {
        "api": "3.0.1",
        "platform": "H616",
        "fwversion": miner.block.firmware,
        "control-board-version": miner.physics.model.control_board,
        "btrom": "1",
        "apiswitch": "1" if miner.vault.api_switch else "0",
        "ledstatus": "auto" if miner.led == "auto" else "manual",
    }


def power(miner: WhatsminerState) -> Section:
    """The supply; `liquid-temperature` exists on liquid-cooled models only, and there `fanspeed` is 0."""
    physics, model = miner.physics, miner.physics.model
    pin_w = physics.measured(physics.power_w, 20, spread=0.004)
    is_liquid = model.cooling is Cooling.LIQUID
    supply: Section = {
        "type": model.psu,
        "mode": str(MODES.index(miner.power_mode)),
        "hwversion": "V01.00",
        "swversion": "V02.10",
        "model": model.psu,
        "iin": round(pin_w / GRID_V, 1),
        "vin": GRID_V,
        "vout": 0 if physics.asleep else 1209,
        "pin": round(pin_w),
        "fanspeed": 0 if is_liquid or physics.asleep else int(physics.measured(7200, 21, spread=0.01)),
        "temp0": round(physics.measured(physics.psu_c, 22, spread=0.01), 1),
    }
    if is_liquid:
        supply["liquid-temperature"] = round(physics.measured(physics.heat.body_c, 23, spread=0.004), 1)
    return supply | {"sn": f"P{miner.place.serial}", "vendor": "7"}


def salt(miner: WhatsminerState) -> str:
    """The salt in force."""
    return miner.vault.salt


def error_codes(miner: WhatsminerState) -> list[Section]:
    """The configured error codes, each with its local time and a reason."""
    at = datetime.fromtimestamp(miner.unix_s() - 3600, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return [{str(code): at, "reason": reason_of(code)} for code in miner.block.error_codes]


def reason_of(code: int) -> str:
    """What an error code is about, by its family (PROTOCOLS.md 2.3)."""
    if 530 <= code < 540:
        return f"Slot{code - 530} not found."
    families = {1: "Fan", 2: "Power supply", 3: "Temperature", 4: "EEPROM", 5: "Hash board", 6: "Environment",
                7: "Control board"}  # fmt: skip
    return f"{families.get(code // 100, 'Pool' if code // 10 in {201, 202} else 'Hash rate')} error."


SECTIONS: Mapping[str, Callable[[WhatsminerState], object]] = {
    "network": network,
    "miner": mining,
    "system": system,
    "power": power,
    "salt": salt,
    "error-code": error_codes,
}
