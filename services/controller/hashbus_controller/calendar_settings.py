"""Where the calendars are that schedules go by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from hashbus.settings import Section


class CalendarSettings(Section):
    """Where a calendar is, and how often it is read."""

    file: Path | None = Field(None, description="An .ics file on this machine")
    url: str | None = Field(None, description="https, http or webcal")
    url_file: Path | None = Field(None, description="A file that holds the URL, for one that is itself a secret")
    every_s: Annotated[float, Field(ge=30, le=86_400)] = Field(900, description="How often it is read")

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if sum(place is not None for place in (self.file, self.url, self.url_file)) != 1:
            raise ValueError("needs one of file, url and url_file")
        if self.url is not None:
            url_of(self.url)
        return self


def url_of(url: str) -> str:
    """Return a URL that can be fetched; ValueError says what would be one, and not the URL, which may be a secret."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https", "webcal") or not parts.hostname:
        raise ValueError("the URL of a calendar begins with https://, http:// or webcal://")
    return parts._replace(scheme="https" if parts.scheme == "webcal" else parts.scheme).geturl()
