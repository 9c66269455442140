"""A process with XLA's optimisations and all threads, which conftest.py takes away."""

import os
import subprocess
import sys
from pathlib import Path

from .conftest import AS_USERS_HAVE_IT

ROOT = Path(__file__).parents[1]


def run_as_users_have_it(code):
    users = {**os.environ, **AS_USERS_HAVE_IT}
    del users["OMP_NUM_THREADS"]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=users,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
