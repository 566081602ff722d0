"""What suppliers and platforms of electricity answer: hours and quarters of today and tomorrow."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hashbus_simulator.market.tape import HOUR_S, Tape

HOURS = 36
TEXAS = ZoneInfo("America/Chicago")
LOGIN_PATH = "/ercotb2c.onmicrosoft.com/B2C_1_PUBAPI-ROPC-FLOW/oauth2/v2.0/token"
ID_TOKEN = "emulated.id.token"  # noqa: S105
POUND_PENCE_PER_EUR_MWH = 0.086
"""Energy in EUR/MWh to pence/kWh at 0.86 GBP/EUR."""

AGILE_PENCE = 9.0
"""What Agile adds for the network and the supplier, before VAT."""

VAT = 1.05


def _hours(at_s: float) -> list[float]:
    """The beginnings of the hours from the last midnight UTC on, as far as they are known."""
    midnight_s = at_s - at_s % 86_400
    return [midnight_s + hour * HOUR_S for hour in range(HOURS + 12)]


def awattar(tape: Tape, at_s: float, query: Mapping[str, str]) -> Any:
    """GET /v1/marketdata."""
    first_s = int(query.get("start", "0")) / 1000
    last_s = int(query.get("end", str(int(4e12)))) / 1000
    rows = [
        {
            "start_timestamp": int(start_s * 1000),
            "end_timestamp": int((start_s + HOUR_S) * 1000),
            "marketprice": tape.electricity_per_mwh(start_s),
            "unit": "Eur/MWh",
        }
        for start_s in _hours(at_s)
        if first_s <= start_s < last_s
    ]
    return {"object": "list", "data": rows, "url": "/de/v1/marketdata"}


def octopus(tape: Tape, at_s: float) -> Any:
    """GET .../standard-unit-rates/: pence in half hours, the newest first."""
    rows = []
    for start_s in _hours(at_s):
        pence = tape.electricity_per_mwh(start_s) * POUND_PENCE_PER_EUR_MWH + AGILE_PENCE
        for half in (0, 1):
            start = datetime.fromtimestamp(start_s + half * 1800, UTC)
            rows.append(
                {
                    "value_exc_vat": round(pence, 4),
                    "value_inc_vat": round(pence * VAT, 4),
                    "valid_from": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                    "valid_to": f"{start + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}",
                    "payment_method": None,
                }
            )
    return {"count": len(rows), "next": None, "previous": None, "results": rows[::-1]}


def entsoe(tape: Tape, at_s: float, zone: str) -> str:
    """GET /api?documentType=A44: one day, curve A03, in which a price that repeats is left out."""
    hours = _hours(at_s)
    points, before = [], None
    for position, start_s in enumerate(hours, start=1):
        price = tape.electricity_per_mwh(start_s)
        if price != before:
            points.append(f"<Point><position>{position}</position><price.amount>{price}</price.amount></Point>")
        before = price
    begin, end = (datetime.fromtimestamp(one, UTC) for one in (hours[0], hours[-1] + HOUR_S))
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3">'
        "<mRID>1</mRID><revisionNumber>1</revisionNumber><type>A44</type><TimeSeries><mRID>1</mRID>"
        f'<in_Domain.mRID codingScheme="A01">{zone}</in_Domain.mRID>'
        "<currency_Unit.name>EUR</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>"
        f"<curveType>A03</curveType><Period><timeInterval><start>{begin:%Y-%m-%dT%H:%MZ}</start>"
        f"<end>{end:%Y-%m-%dT%H:%MZ}</end></timeInterval><resolution>PT60M</resolution>{''.join(points)}</Period>"
        "</TimeSeries></Publication_MarketDocument>"
    )


def entsoe_refusal(reason: str) -> str:
    """What the platform says when it gives nothing."""
    return (
        '<Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0">'
        f"<Reason><code>999</code><text>{reason}</text></Reason></Acknowledgement_MarketDocument>"
    )


def ercot(tape: Tape, at_s: float, point: str) -> Any:
    """GET np4-190-cd: hours by their end, on the wall clock of Texas, columns named apart from the rows."""
    names = ("deliveryDate", "hourEnding", "settlementPoint", "settlementPointPrice", "DSTFlag")
    rows = []
    for start_s in _hours(at_s):
        local = datetime.fromtimestamp(start_s, UTC).astimezone(TEXAS)
        price = tape.electricity_per_mwh(start_s)
        rows.append([f"{local:%Y-%m-%d}", f"{local.hour + 1:02}:00", point, price, local.fold == 1])
    return {
        "_meta": {"totalRecords": len(rows), "currentPage": 1, "totalPages": 1},
        "fields": [{"name": name} for name in names],
        "data": rows,
    }
