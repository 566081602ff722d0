"""A house battery as the EG4 or LuxPower portal shows it: session, commands and parse put together."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from hashbus.messages import BatteryReading, Level
from hashbus_poller.drivers.contract import DeviceError, DeviceKind, DeviceOptions, DriverSpec, Wiring
from hashbus_poller.drivers.eg4_portal import commands, parse
from hashbus_poller.drivers.eg4_portal.session import Account, Credentials
from hashbus_poller.drivers.eg4_portal.wire import Wire
from hashbus_poller.safe_url import is_loopback

NAME = "eg4_portal"
ENERGY_EVERY_S = 300.0
"""Counters move by tenths of a kWh; asking with every reading would double the traffic."""


class Eg4PortalOptions(DeviceOptions):
    """What a site's configuration says of a battery behind the portal."""

    timeout_s: float = Field(20.0, gt=0, le=120, description="Longest wait for one answer of the portal")
    base_url: str = Field(
        "https://monitor.eg4electronics.com",
        max_length=200,
        description="Address of the portal; LuxPower has one for each region, such as https://eu.luxpowertek.com",
    )
    account: str = Field(min_length=1, max_length=200, description="User name at the portal (EG4_USER)")
    password: SecretStr | None = Field(None, description="Password at the portal (EG4_PASS)")
    serial: str | None = Field(
        None, pattern=r"^[A-Za-z0-9]{4,32}$", description="Inverter to read, where the account has several"
    )
    session_refresh_hours: float = Field(
        2.0, ge=0.1, le=8760, description="Log in again at this age, even when the session still seems good"
    )
    allow_http: bool = Field(
        False, description="Send the password unencrypted over the network; for a test portal only"
    )

    @model_validator(mode="after")
    def _keeps_the_password_safe(self) -> Self:
        """Take an https address, or http where nobody can listen in or the owner says so."""
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("base_url must look like https://monitor.eg4electronics.com")
        if "@" in parts.netloc:
            raise ValueError("base_url must not hold a user or password; they have fields of their own")
        if parts.scheme == "http" and not self.allow_http and not is_loopback(parts.hostname):
            raise ValueError("base_url would send the password unencrypted: use https, or set allow_http")
        return self


class Eg4Portal:
    """One inverter with its battery, as the portal shows it."""

    def __init__(self, options: Eg4PortalOptions, wiring: Wiring) -> None:
        """Log in later, with the first reading."""
        self._account = Account(
            Credentials(options.account, options.password, options.serial),
            Wire(options.base_url.rstrip("/"), options.timeout_s, wiring),
            wiring.clock,
            max_age_s=options.session_refresh_hours * 3600,
        )
        self._clock = wiring.clock
        self._turn = asyncio.Lock()
        self._counters: parse.Counters | None = None
        self._counters_s: float | None = None
        self._shown: tuple[str, datetime] | None = None

    async def read(self) -> BatteryReading:
        """Take one reading: one request, and a second one for the energy counters every five minutes."""
        async with self._turn:
            runtime = await self._account.ask(commands.runtime, parse.running)
            await self._count()
            reading = parse.reading(runtime, self._counters, self._taken_at(runtime.device_time))
            age_s = self._account.age_s
            return reading.model_copy(update={"session_age_s": None if age_s is None else round(age_s, 1)})

    async def refresh_session(self) -> None:
        """Log in anew at once, because a person says so (S2.11); this alone does not wait for the cool-down."""
        async with self._turn:
            await self._account.log_in()

    async def close(self) -> None:
        """Forget the session. The portal has no log-out that it needs."""
        self._account.forget()

    async def _count(self) -> None:
        """Ask for the counters when it is time. A reading is worth having without them, so what fails stays unknown."""
        now_s = self._clock.monotonic()
        if self._counters_s is not None and now_s - self._counters_s < ENERGY_EVERY_S:
            return
        self._counters_s = now_s
        try:
            self._counters = await self._account.ask_aside(commands.energy, parse.counters)
        except DeviceError:
            self._counters = None

    def _taken_at(self, device_time: str | None) -> datetime | None:
        """Return when the portal first showed the figures that it shows now.

        The inverter's clock has no zone and is as right as somebody set it, so it cannot be turned into a moment. But
        while it stands still, nothing new has come from the inverter: then this stands still too.
        """
        if device_time is None:
            return None
        if self._shown is None or self._shown[0] != device_time:
            self._shown = (device_time, self._clock.now())
        return self._shown[1]


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.BATTERY,
    title="EG4 / LuxPower cloud portal",
    level=Level.SILVER,
    options=Eg4PortalOptions,
    create=Eg4Portal,
    # Its figures are minutes old in any case (PROTOCOLS.md 5.1).
    min_interval_s=60.0,
)
