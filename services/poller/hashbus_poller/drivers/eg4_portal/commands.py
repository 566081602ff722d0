"""What is asked of the portal: pure functions from an intention to a path and a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Command:
    """One POST. The form may hold the password and is never shown."""

    path: str
    form: Mapping[str, str] = field(repr=False)


def log_in(account: str, password: str) -> Command:
    """Ask for a session; the answer lists the account's plants and inverters."""
    return Command("/WManage/api/login", {"account": account, "password": password, "language": "ENGLISH"})


def runtime(serial: str) -> Command:
    """Ask what the inverter does now."""
    return Command("/WManage/api/inverter/getInverterRuntime", {"serialNum": serial})


def energy(serial: str) -> Command:
    """Ask for its energy counters."""
    return Command("/WManage/api/inverter/getInverterEnergyInfo", {"serialNum": serial})
