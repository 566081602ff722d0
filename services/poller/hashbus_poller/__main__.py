"""Run the poller: python -m hashbus_poller --config site.yaml."""

import sys

from hashbus.service import run
from hashbus_poller.service import main as service
from hashbus_poller.settings import settings_model


def main() -> int:
    """Run until told to stop."""
    return run("poller", settings_model(), service)


if __name__ == "__main__":
    sys.exit(main())
