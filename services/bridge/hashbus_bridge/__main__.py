"""Run the bridge: python -m hashbus_bridge --config site.yaml."""

import sys

from hashbus.service import run
from hashbus_bridge.service import main as service
from hashbus_bridge.settings import BridgeSettings


def main() -> int:
    """Run until told to stop."""
    return run("bridge", BridgeSettings, service)


if __name__ == "__main__":
    sys.exit(main())
