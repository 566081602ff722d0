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


async def looked_up(tariff: FetchedTariff, line_to: LineTo, now: datetime) -> list[PriceWindow]:
    """Return the energy prices that are known now. SourceError when they cannot be had."""
    match tariff:
        case FileTariff():
            return documents.windows_of(await asyncio.to_thread(_read, tariff), tariff.time_zone)
        case HttpTariff():
            return await _of_address(tariff, line_to)
        case AwattarTariff():
            return await awattar.windows(line_to(tariff.url or f"https://api.awattar.{tariff.country}", {}), now)
        case EntsoeTariff():
            token = tariff.token.get_secret_value()
            return await entsoe.windows(line_to(tariff.url, {}), now, zone=tariff.zone, token=token)
        case OctopusTariff():
            line = line_to(tariff.url, {})
            return await octopus.windows(line, now, product=tariff.product, region=tariff.region)
        case ErcotTariff():
            headers = {"Ocp-Apim-Subscription-Key": tariff.api_key.get_secret_value()}
            if tariff.token is not None:
                headers["Authorization"] = f"Bearer {tariff.token.get_secret_value()}"
            return await ercot.windows(line_to(tariff.url, headers), now, point=tariff.point, market=tariff.market)
    raise TypeError(type(tariff).__name__)


async def _of_address(tariff: HttpTariff, line_to: LineTo) -> list[PriceWindow]:
    parts = urlsplit(tariff.url)
    headers = {"Authorization": f"Bearer {tariff.token.get_secret_value()}"} if tariff.token else {}
    question = f"{parts.path}?{parts.query}" if parts.query else parts.path
    answer = await line_to(f"{parts.scheme}://{parts.netloc}", headers).get(question)
    return documents.windows_of(answer.text(), tariff.time_zone)


def _read(tariff: FileTariff) -> str:
    try:
        return tariff.path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SourceAway(f"{tariff.path} cannot be read: {reason}") from None
