"""Asks for the prices of a tariff that is known some hours ahead; each kind has its own file beside this one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from hashbus.messages import PriceWindow
from hashbus_market.asking import Ask
from hashbus_market.errors import SourceAway
from hashbus_market.tariffs import awattar, documents, entsoe, ercot, octopus
from hashbus_market.tariffs.settings import (
    AwattarTariff,
    EntsoeTariff,
    ErcotTariff,
    FetchedTariff,
    FileTariff,
    HttpTariff,
    OctopusTariff,
)

LineTo = Callable[[str, dict[str, str]], Ask]
"""Makes a line to an address, with the headers that go with every question."""


class Lookup:
    """Looks the hours of a tariff up; a supplier that wants a sign-in is signed in to once an hour."""

    def __init__(self, line_to: LineTo) -> None:
        """Nothing is asked yet."""
        self._line_to = line_to
        self._session: ercot.Session | None = None

    async def of(self, tariff: FetchedTariff, now: datetime) -> list[PriceWindow]:
        """Return the energy prices that are known now. SourceError when they cannot be had."""
        match tariff:
            case FileTariff():
                return documents.windows_of(await asyncio.to_thread(_read, tariff), tariff.time_zone)
            case HttpTariff():
                return await self._of_address(tariff)
            case AwattarTariff():
                line = self._line_to(tariff.url or f"https://api.awattar.{tariff.country}", {})
                return await awattar.windows(line, now)
            case EntsoeTariff():
                token, line = tariff.token.get_secret_value(), self._line_to(tariff.url, {})
                return await entsoe.windows(line, now, zone=tariff.zone, token=token)
            case OctopusTariff():
                line = self._line_to(tariff.url, {})
                return await octopus.windows(line, now, product=tariff.product, region=tariff.region)
            case ErcotTariff():
                return await self._of_ercot(tariff, now)
        raise TypeError(type(tariff).__name__)

    async def _of_address(self, tariff: HttpTariff) -> list[PriceWindow]:
        parts = urlsplit(tariff.url)
        headers = {"Authorization": f"Bearer {tariff.token.get_secret_value()}"} if tariff.token else {}
        question = f"{parts.path}?{parts.query}" if parts.query else parts.path
        answer = await self._line_to(f"{parts.scheme}://{parts.netloc}", headers).get(question)
        return documents.windows_of(answer.text(), tariff.time_zone)

    async def _of_ercot(self, tariff: ErcotTariff, now: datetime) -> list[PriceWindow]:
        session = self._session
        if session is None or session.until <= now:
            login = self._line_to(tariff.login_url, {})
            password = tariff.password.get_secret_value()
            session = await ercot.sign_in(login, now, username=tariff.username, password=password)
        # Kept only once it has worked: a token that is refused is not tried again for an hour.
        self._session = None
        headers = {
            "Ocp-Apim-Subscription-Key": tariff.api_key.get_secret_value(),
            "Authorization": f"Bearer {session.token}",
        }
        line = self._line_to(tariff.url, headers)
        found = await ercot.windows(line, now, point=tariff.point, market=tariff.market)
        self._session = session
        return found


def _read(tariff: FileTariff) -> str:
    try:
        return tariff.path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SourceAway(f"{tariff.path} cannot be read: {reason}") from None
