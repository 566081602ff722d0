"""Blocks of devices that differ only in their address: a row of a farm in four lines."""

from __future__ import annotations

import ipaddress
from typing import Any

LARGEST_BLOCK = 65_536


def expanded(block: Any) -> dict[str, dict[str, Any]]:
    """Turn `{prefix: row1-, hosts: 10.0.1.1-10.0.1.40, driver: antminer}` into one entry a device, or raise ValueError.

    `hosts` is FIRST-LAST, a network such as 10.0.1.0/24 without its first and last address, or a list of addresses.
    """
    if not isinstance(block, dict):
        raise ValueError(f"a block is a list of `key: value` lines, not {block!r}")
    missing = [key for key in ("prefix", "hosts", "driver") if key not in block]
    if missing:
        raise ValueError(f"a block needs {', '.join(missing)}")
    rest = {key: value for key, value in block.items() if key not in ("prefix", "hosts")}
    hosts = _hosts(block["hosts"])
    width = max(3, len(str(len(hosts))))
    return {f"{block['prefix']}{number:0{width}}": {**rest, "host": host} for number, host in enumerate(hosts, 1)}


def _hosts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(host) for host in value]
    text = str(value).strip()
    try:
        if "/" in text:
            network = ipaddress.ip_network(text)
            if network.num_addresses > LARGEST_BLOCK:
                raise ValueError(f"hosts {text!r} has {network.num_addresses} addresses; at most {LARGEST_BLOCK}")
            return [str(host) for host in network.hosts()]
        first, _, last = text.partition("-")
        begin, end = ipaddress.ip_address(first.strip()), ipaddress.ip_address((last or first).strip())
    except (ValueError, TypeError) as error:
        raise ValueError(f"hosts {text!r} is not FIRST-LAST, a network or a list of addresses: {error}") from None
    count = int(end) - int(begin) + 1
    if begin.version != end.version or not 1 <= count <= LARGEST_BLOCK:
        raise ValueError(f"hosts {text!r}: the last address must follow the first, at most {LARGEST_BLOCK} of them")
    return [str(begin + step) for step in range(count)]
