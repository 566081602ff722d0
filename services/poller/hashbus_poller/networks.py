"""Which addresses a scan looks at: networks, ranges and single addresses as people write them."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

LARGEST_SCAN = 65_536
"""Addresses; a person who wants to look at more says so."""

SMALLEST_WITH_ENDS = 4
"""Networks of so many addresses and more keep their first and last one to themselves."""

SIOCGIFADDR = 0x8915
"""Linux: ask for the IPv4 address of an interface (netdevice(7))."""

_INSIDE_THIS_MACHINE = ("lo", "docker", "br-", "veth", "virbr", "cni", "flannel")


class WrongNetwork(ValueError):
    """What somebody wrote is no network; the message says what would be."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The addresses from `first` to `last`, both included."""

    first: IPv4Address
    last: IPv4Address

    def __len__(self) -> int:
        return int(self.last) - int(self.first) + 1

    @property
    def is_private(self) -> bool:
        """Say whether every address is one that nobody has on the internet."""
        return all(network.is_private for network in ipaddress.summarize_address_range(self.first, self.last))


@dataclass(frozen=True, slots=True)
class Targets:
    """The addresses of a scan, each once, in order. Only their ends are held, so that a farm costs no memory."""

    spans: tuple[Span, ...]

    def __len__(self) -> int:
        return sum(len(span) for span in self.spans)

    def __iter__(self) -> Iterator[str]:
        for span in self.spans:
            for number in range(int(span.first), int(span.last) + 1):
                yield str(IPv4Address(number))

    @property
    def is_private(self) -> bool:
        """Say whether no address belongs to a stranger on the internet."""
        return all(span.is_private for span in self.spans)


def targets(wanted: Iterable[str], excluded: Iterable[str] = ()) -> Targets:
    """Return the addresses to look at; WrongNetwork names the first text that is neither network nor range."""
    kept = _joined(span_of(text) for text in wanted)
    for span in _joined(span_of(text) for text in excluded):
        kept = [piece for one in kept for piece in _without(one, span)]
    return Targets(tuple(kept))


def span_of(text: str) -> Span:
    """Read `192.168.1.0/24`, `192.168.1.10-192.168.1.40`, `192.168.1.10-40` or `192.168.1.7`."""
    text = text.strip()
    try:
        if "/" in text:
            return _hosts_of(IPv4Network(text, strict=False))
        begin, _, end = (part.strip() for part in text.partition("-"))
        first = IPv4Address(begin)
        if end.isdecimal():
            end = f"{begin.rpartition('.')[0]}.{end}"
        last = IPv4Address(end) if end else first
    except ValueError:
        raise WrongNetwork(
            f"{text!r} is no network: write 192.168.1.0/24, 192.168.1.10-192.168.1.40 or 192.168.1.7"
        ) from None
    if last < first:
        raise WrongNetwork(f"{text!r} ends before it begins")
    return Span(first, last)


def own_networks() -> dict[str, str]:
    """Return the private /24 networks in which this machine has an address, each with its interface's name.

    Interfaces that lead only to containers and virtual machines are left out. Empty where the system does not tell.
    """
    found: dict[str, str] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            if name.startswith(_INSIDE_THIS_MACHINE):
                continue
            request = struct.pack("256s", name.encode()[:15])
            try:
                reply = fcntl.ioctl(asked, SIOCGIFADDR, request)
            except OSError:
                continue  # no IPv4 address
            address = IPv4Address(reply[20:24])
            if address.is_private and not address.is_loopback and not address.is_link_local:
                found.setdefault(str(IPv4Network(f"{address}/24", strict=False)), name)
    return found


def _hosts_of(network: IPv4Network) -> Span:
    if network.num_addresses < SMALLEST_WITH_ENDS:
        return Span(network.network_address, network.broadcast_address)
    return Span(network.network_address + 1, network.broadcast_address - 1)


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and int(span.first) <= int(joined[-1].last) + 1:
            joined[-1] = Span(joined[-1].first, max(joined[-1].last, span.last))
        else:
            joined.append(span)
    return joined


def _without(span: Span, hole: Span) -> Iterator[Span]:
    if hole.last < span.first or span.last < hole.first:
        yield span
        return
    if span.first < hole.first:
        yield Span(span.first, hole.first - 1)
    if hole.last < span.last:
        yield Span(hole.last + 1, span.last)
