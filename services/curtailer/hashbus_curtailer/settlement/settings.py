"""Settings of the settlement: where the energy is read, which days the baseline is made of, which key signs."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from hashbus.settings import Section
from hashbus_curtailer.triggers.schedule import Day

WEEKEND = (Day.SAT, Day.SUN)


class SettlementSection(Section):
    """The `settlement:` of the curtailer."""

    history_url: str = Field(
        "http://127.0.0.1:9796",
        pattern=r"^https?://",
        description="Where the recorder answers questions about the past",
    )
    interval_s: Literal[300, 900, 1800, 3600] = Field(900, description="Of the meter")
    weekend: tuple[Day, ...] = Field(WEEKEND, description="Days that are compared with each other, not with the rest")
    holidays: tuple[date, ...] = Field((), description="Dates that count as weekend")
    adjustment_cap_pct: Annotated[float, Field(ge=0, le=100)] = Field(
        20, description="Most by which the baseline is moved to what was drawn earlier that day"
    )
    key_file: Path | None = Field(
        None,
        description="Ed25519 private key in PEM; curtailer/settlement_key.pem in data_dir, made at the first start",
    )
    after_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        300, description="So long after its end a plan is settled: the record is complete by then"
    )
