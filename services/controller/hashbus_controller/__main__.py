"""Run the controller: python -m hashbus_controller --config site.yaml."""

import sys

from hashbus.service import run
from hashbus_controller.service import main as service
from hashbus_controller.settings import ControllerSettings


def main() -> int:
    """Run until told to stop."""
    return run("controller", ControllerSettings, service)


if __name__ == "__main__":
    sys.exit(main())
