"""Run the smarthome service: python -m hashbus_smarthome --config site.yaml."""

import sys

from hashbus.service import run
from hashbus_smarthome.service import main as service
from hashbus_smarthome.settings import SmarthomeSettings


def main() -> int:
    """Run until told to stop."""
    return run("smarthome", SmarthomeSettings, service)


if __name__ == "__main__":
    sys.exit(main())
