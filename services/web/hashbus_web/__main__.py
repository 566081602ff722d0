"""Run the web service: python -m hashbus_web --config site.yaml."""

import sys

from hashbus.service import run
from hashbus_web.service import main as service
from hashbus_web.settings import WebSettings


def main() -> int:
    """Run until told to stop."""
    return run("web", WebSettings, service)


if __name__ == "__main__":
    sys.exit(main())
