"""Who a worker is, as Hive OS tells it, and what can be ordered of it; pure."""

from __future__ import annotations

from hashbus.messages import Capability, MinerIdentity
from hashbus.models import rated
from hashbus_poller.drivers.cgminer.identity import normal_mac, split_name
from hashbus_poller.nested import inner, objects
from hashbus_poller.readings import json_object, text_or_none, understanding

FIRMWARE, FIRMWARE_OF_ITS_OWN = "Hive OS", "Hiveon"
CAPABILITIES = (Capability.SLEEP, Capability.RESTART, Capability.REBOOT)
"""What the command of the API can do on any worker; whether the token may, shows with the first order."""

NO_ASIC = "Hive OS rig"


def identity(answer: bytes) -> MinerIdentity:
    """Return who the worker is; a rig of graphics cards has no model."""
    worker = json_object(answer)
    with understanding(answer):
        asic, versions = inner(worker, "asic_info"), inner(worker, "versions")
        name = text_or_none(asic, "model")
        make, model = split_name(name) if name is not None else (NO_ASIC, None)
        known = rated(make, model) if model is not None else None
        interfaces = objects(inner(worker, "hardware_info"), "net_interfaces")
        return MinerIdentity(
            make=make or model,
            model=model,
            mac=next((mac for one in interfaces if (mac := normal_mac(text_or_none(one, "mac")))), None),
            firmware=FIRMWARE_OF_ITS_OWN if asic.get("hiveon") is True else FIRMWARE,
            firmware_version=text_or_none(asic, "firmware") or text_or_none(versions, "hive"),
            control_board=text_or_none(asic, "control_board"),
            boards_total=len(objects(inner(worker, "asic_stats"), "boards")) or None,
            rated_hashrate_ths=known.rated_hashrate_ths if known else None,
            rated_power_w=known.rated_power_w if known else None,
            max_power_w=known.rated_power_w if known else None,
            capabilities=CAPABILITIES,
        )
