"""Run the curtailer: python -m hashbus_curtailer --config site.yaml."""

import sys

from hashbus.service import run
from hashbus_curtailer.service import main as service
from hashbus_curtailer.settings import CurtailerSettings


def main() -> int:
    """Run until told to stop."""
    return run("curtailer", CurtailerSettings, service)


if __name__ == "__main__":
    sys.exit(main())
