"""Saving is all or nothing: killed at any moment, in a full folder, in a closed one."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.opening import open_checkpoint
from albert.common.saving import FORMATS, save_arrays
from conformance.cases import SIZES, random_weights

KILLS = int(os.environ.get("ALBERT_KILLS", "64"))
"""How often a writer is killed, over all formats."""

CLASS = "AlbertForPreTraining"
CHANGES = {"a": {}, "b": {"hidden_size": 36, "vocab_size": 211, "num_labels": 3}}


def model(which):
    config = AlbertConfig(**{**SIZES, **CHANGES[which]})
    return config, random_weights(config, CLASS, seed=ord(which))


def save(folder, which, format="safetensors", shard="5GB"):
    config, arrays = model(which)
    save_arrays(folder, config, arrays, CLASS, format=format, max_shard_size=shard)


def held(folder):
    """Which of the models is in a folder; an error if it is neither as a whole."""
    checkpoint = open_checkpoint(folder)
    sizes = {checkpoint.config.hidden_size: checkpoint.config}
    (which,) = [w for w in CHANGES if model(w)[0].hidden_size in sizes]
    config, arrays = model(which)
    assert checkpoint.config.vocab_size == config.vocab_size
    assert checkpoint.config.num_labels == config.num_labels
    assert checkpoint.unexpected == ()
    for row in names.weights(config, CLASS):
        found = checkpoint.arrays[row.canonical].read()
        np.testing.assert_array_equal(found, arrays[row.canonical])
    return which


WRITERS = """
import os, sys
from tests.common.test_saving_atomic import save

folder, format = sys.argv[1:]
save(folder, "a", format)
for _ in sys.stdin:
    pid = os.fork()
    while pid == 0:
        for which, shard in (("b", "20KB"), ("a", "5GB"), ("b", "5GB"), ("a", "9KB")):
            save(folder, which, format, shard)
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("dead", flush=True)
"""


@contextmanager
def writers(folder, format):
    """Give a function that starts a process which saves without end."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITERS, folder, format],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def say():
            process.stdin.write("\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        def buried():
            assert process.stdout.readline() == "dead\n"

        yield say, buried
        process.stdin.close()


@pytest.mark.parametrize("format", FORMATS)
def test_killed_at_any_moment(tmp_path, format):
    rng, seen = random.Random(format), set()
    with writers(tmp_path, format) as (start, buried):
        for _ in range(max(1, KILLS // len(FORMATS))):
            pid = start()
            time.sleep(rng.uniform(0, 0.12))
            os.kill(pid, signal.SIGKILL)
            buried()
            seen.add(held(tmp_path))
    save(tmp_path, "b", format)
    assert held(tmp_path) == "b"
    assert sorted(os.listdir(tmp_path)) == ["config.json", FORMATS[format].file_name]
    assert len(seen) == 2 or KILLS < 64


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


REFUSED = (
    "[Errno {}] {}: nothing in the folder was changed; free some space, or give a "
    "folder that you may write to: {!r}"
)


def refusal(folder, number, format):
    before = content(folder)
    with pytest.raises(OSError) as caught:
        save(folder, "b", format)
    assert str(caught.value) == REFUSED.format(number, os.strerror(number), str(folder))
    assert caught.value.errno == number
    assert content(folder) == before
    assert held(folder) == "a"


FULL = """
import os, resource, signal, sys
from tests.common.test_saving_atomic import save

folder, format, limit, shard = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    save(folder, "b", format, shard)
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize("shard", ["5GB", "20KB"])
@pytest.mark.parametrize("limit", [100, 9000])
@pytest.mark.parametrize("format", FORMATS)
def test_disk_that_is_full(tmp_path, format, limit, shard):
    """The system refuses to write more: in the middle of whatever library writes."""
    save(tmp_path, "a", format)
    before = content(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path, format, str(limit), shard],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.rstrip() == REFUSED.format(
        errno.EFBIG, os.strerror(errno.EFBIG), str(tmp_path)
    )
    assert content(tmp_path) == before
    assert held(tmp_path) == "a"


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_folder_that_cannot_be_written_to(tmp_path, monkeypatch, format, number):
    """As the system would answer; bits of the mode do not stop the superuser."""
    save(tmp_path, "a", format)
    real = os.mkdir

    def fail(path, *arguments, **options):
        if os.path.dirname(path) == str(tmp_path):
            raise OSError(number, os.strerror(number), str(path))
        real(path, *arguments, **options)

    monkeypatch.setattr(os, "mkdir", fail)
    refusal(tmp_path, number, format)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
@pytest.mark.parametrize("format", FORMATS)
def test_folder_with_the_mode_of_a_read_only_one(tmp_path, format):
    save(tmp_path, "a", format)
    tmp_path.chmod(0o555)
    try:
        refusal(tmp_path, errno.EACCES, format)
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize("format", FORMATS)
def test_folder_that_is_a_link(tmp_path, format):
    save(tmp_path / "real", "a", format)
    before = content(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(NotADirectoryError) as caught:
        save(tmp_path / "link", "b", format)
    assert str(caught.value) == (
        f"save_directory {str(tmp_path / 'link')!r} is a symbolic link to 'real'; give "
        f"the folder itself."
    )
    assert content(tmp_path / "real") == before


@pytest.mark.parametrize("format", FORMATS)
def test_other_files_are_kept(tmp_path, format):
    (tmp_path / "README.md").write_text("mine")
    save(tmp_path, "a", format, "9KB")
    shards = set(os.listdir(tmp_path))
    assert len(shards) > 4
    save(tmp_path, "b", format)
    assert set(os.listdir(tmp_path)) == {
        *("README.md", "config.json"),
        FORMATS[format].file_name,
    }
    assert held(tmp_path) == "b"
