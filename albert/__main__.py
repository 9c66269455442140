"""`python -m albert`: the same as the command `albert`."""

import sys

from albert.cli import main

sys.exit(main())
