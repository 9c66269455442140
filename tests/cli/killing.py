"""A run that kills itself: `python killing.py PLACE ARGUMENTS-OF-ALBERT`."""

import os
import signal
import sys

from albert.cli import main
from albert.common.training import run_folder
from albert.common.training.loop import Loop


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


def in_a_checkpoint():
    """Die when the second checkpoint has its weights, and half of the moments."""
    write, written = run_folder.safetensors.write_file, []

    def write_half(path, arrays):
        write(path, arrays)
        written.append(path.name)
        if written.count(run_folder.ARRAYS_FILE) == 2:
            os.truncate(path, path.stat().st_size // 2)
            _die()

    run_folder.safetensors.write_file = write_half


def in_a_line_of_the_log():
    """Die when half of the sixth line is written."""
    log = run_folder.RunFolder.log

    def log_half(folder, line):
        log(folder, line)
        if len(folder.lines()) == 6:
            file = folder.path / "log.jsonl"
            os.truncate(file, file.stat().st_size - 9)
            _die()

    run_folder.RunFolder.log = log_half


def behind_a_step():
    """Die when the fifth step is done and nothing of it is written."""
    write = Loop._write

    def write_not(loop):
        if loop.position.step == 5:
            _die()
        write(loop)

    Loop._write = write_not


PLACES = {
    place.__name__: place
    for place in (in_a_checkpoint, in_a_line_of_the_log, behind_a_step)
}

if __name__ == "__main__":
    PLACES[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
