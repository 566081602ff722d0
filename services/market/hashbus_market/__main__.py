"""Run the market service: python -m hashbus_market --config site.yaml."""

import sys

from hashbus.service import run
from hashbus_market.service import main as service
from hashbus_market.settings import MarketSettings


def main() -> int:
    """Run until told to stop."""
    return run("market", MarketSettings, service)


if __name__ == "__main__":
    sys.exit(main())
