"""Writing through libraries that hide the system's errors."""

import errno
import os
from pathlib import Path

import pytest

from albert.common.checkpoint.raw import written_by_library


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


def test_what_is_written(path):
    path.write_bytes(b"something longer")
    with written_by_library(path) as file:
        assert file.write(b"abcdef") == 6
        file.seek(1)
        assert file.write(memoryview(b"XY")) == 2
        assert file.truncate(5) == 5
        file.seek(0)
        assert file.read() == b"aXYde"
    assert path.read_bytes() == b"aXYde"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("hidden", [False, True])
def test_first_error_of_the_system(hidden):
    """It comes at the end, or in place of what the library makes of it."""
    with (
        pytest.raises(OSError) as caught,
        written_by_library(Path("/dev/full")) as file,
    ):
        assert file.write(b"abcdefghij") == 10
        assert file.write(b"more") == 4
        if hidden:
            raise RuntimeError("something went wrong")
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.__suppress_context__


def test_file_that_cannot_grow(path):
    with pytest.raises(OSError) as caught, written_by_library(path) as file:
        assert file.truncate(1 << 62) == 1 << 62
    assert caught.value.errno in (errno.EFBIG, errno.EINVAL)


def test_error_of_the_library(path):
    with (
        pytest.raises(RuntimeError, match=r"^its own$"),
        written_by_library(path) as file,
    ):
        file.write(b"a")
        raise RuntimeError("its own")
