"""``python -m uhn``: the same as the ``uhn`` command."""

import sys

from uhn.cli import main

sys.exit(main())
