"""Run the recorder: python -m hashbus_recorder --config site.yaml."""

import sys

from hashbus.service import run
from hashbus_recorder.service import main as service
from hashbus_recorder.settings import RecorderSettings


def main() -> int:
    """Run until told to stop."""
    return run("recorder", RecorderSettings, service)


if __name__ == "__main__":
    sys.exit(main())
