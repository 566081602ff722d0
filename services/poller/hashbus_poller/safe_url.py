"""The address of a cloud in a site's configuration: one that does not give its secrets away."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def check_safe(url: str, *, like: str) -> None:
    """Take an https address, or http where nobody can listen in; ValueError says what is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"base_url must look like {like}")
    if "@" in parts.netloc:
        raise ValueError("base_url must not hold a user or password; secrets have fields of their own")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("base_url would send secrets unencrypted: use https")


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
