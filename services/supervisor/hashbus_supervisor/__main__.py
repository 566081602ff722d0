"""`python -m hashbus_supervisor` is `hashbus`."""

import sys

from hashbus_supervisor.cli import main

sys.exit(main())
