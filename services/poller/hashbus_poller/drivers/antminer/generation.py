"""What differs between the generations of stock Antminer firmware (PROTOCOLS.md 3.6). Pure."""

from __future__ import annotations

import re

from hashbus_poller.drivers.antminer.conf import WorkMode

_SERIES = re.compile(r"[A-Z](\d{1,2})")
NEWEST_FORM_SERIES = 17
SLEEPY_FORM_SERIES = 17


def takes_json(model: str | None) -> bool:
    """Say whether the configuration is written as JSON: S19 and later do, S17 and before take a form."""
    series = _SERIES.match(model or "")
    return series is not None and (int(series[1]) > NEWEST_FORM_SERIES or (model or "")[0] not in "ST")


def sleep_mode(model: str | None) -> WorkMode | None:
    """Return the work mode in which a model sleeps; None of what is older than S17, which cannot."""
    if takes_json(model):
        return WorkMode.SLEEP
    series = _SERIES.match(model or "")
    is_sleepy = series is not None and int(series[1]) == SLEEPY_FORM_SERIES
    return WorkMode.OLD_SLEEP if is_sleepy else None
