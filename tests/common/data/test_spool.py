"""Documents are cut into parts by their numbers and sizes alone."""

import pytest

from albert.common.data.spool import Part, read_part, write_parts

TEXTS = ["aaaa", " \n", "bé", "c" * 9, "", "d", "e"]


def test_parts(tmp_path):
    parts, blank = write_parts(TEXTS, tmp_path, 7)
    assert parts == [Part(0, 0, 2), Part(1, 2, 1), Part(2, 3, 2)]
    assert blank == 2
    found = [list(read_part(tmp_path, part)) for part in parts]
    assert found == [["aaaa", "bé"], ["c" * 9], ["d", "e"]]


def test_what_is_there_is_not_written_again(tmp_path):
    before = write_parts(TEXTS, tmp_path, 7)

    def none():
        raise AssertionError
        yield

    assert write_parts(none(), tmp_path, 7) == before


def test_half_of_it_does_not_count(tmp_path):
    def broken():
        yield from TEXTS
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        write_parts(broken(), tmp_path, 7)
    assert write_parts(TEXTS[:1], tmp_path, 7) == ([Part(0, 0, 1)], 0)


def test_no_documents(tmp_path):
    assert write_parts(["", " "], tmp_path, 7) == ([], 2)
