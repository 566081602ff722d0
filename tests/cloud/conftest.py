"""What the tests of the cloud share with those of the page: a real Chromium."""

from tests.page.conftest import browser

__all__ = ["browser"]
