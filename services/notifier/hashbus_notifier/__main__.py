"""Run the notifier: python -m hashbus_notifier --config site.yaml."""

import sys

from hashbus.service import run
from hashbus_notifier.service import main as service
from hashbus_notifier.settings import NotifierSettings


def main() -> int:
    """Run until told to stop."""
    return run("notifier", NotifierSettings, service)


if __name__ == "__main__":
    sys.exit(main())
