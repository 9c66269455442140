"""A run that is killed, or goes on: `python killing.py CORPUS FOLDER WORKERS WHEN`.

WHEN is the number of the shard that is half written when the process that writes it
kills itself, or -1.
"""

import os
import signal
import sys
from pathlib import Path

from pyarrow import parquet

from albert.common.data import PrepareSettings, prepare
from albert.common.tokenization import AlbertTokenizer

SETTINGS = PrepareSettings(max_length=24, shard_bytes=6000, seed=3)


def main(corpus, folder, workers, when):
    """Prepare, and perhaps be killed."""
    write = parquet.write_table

    def write_half(table, path, **options):
        write(table, path, **options)
        if f"shard-{when:05d}" in Path(path).name:
            os.truncate(path, Path(path).stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    if when >= 0:
        parquet.write_table = write_half
    tokenizer = AlbertTokenizer.from_pretrained("albert-demo")
    prepare([corpus], folder, tokenizer, SETTINGS, workers=workers)


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
