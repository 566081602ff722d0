"""Hardware addresses of devices in the same network, from what the kernel remembers after connecting to them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

ARP_TABLE = Path("/proc/net/arp")
INCOMPLETE = "00:00:00:00:00:00"


def neighbours(table: Path = ARP_TABLE) -> dict[str, str]:
    """Return MAC by IPv4 address, lower case with colons; empty where the system does not tell.

    A MAC that answers for several addresses is a router's, not a device's, and is left out.
    """
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return {}
    # proc(5): IP address, hardware type, flags, hardware address, mask, device.
    macs = {row[0]: row[3].lower() for row in map(str.split, lines) if len(row) >= 4 and row[3] != INCOMPLETE}
    uses = Counter(macs.values())
    return {host: mac for host, mac in macs.items() if uses[mac] == 1}
