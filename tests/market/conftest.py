"""What all tests of the market share: no waiting for a bus that answers at once."""

import pytest

from hashbus_market import power, service


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bus in memory hands out what it retains at once, and a test looks at the tariff more often than a site."""
    monkeypatch.setattr(service, "MEMORY_WAIT_S", 0.05)
    monkeypatch.setattr(power, "LOOK_S", 0.1)
