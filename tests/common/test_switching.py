"""Switches of the quick ways."""

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from albert.common.switching import switched


@dataclass
class Ways:
    """Two ways."""

    one: bool = True
    other: bool = True


def test_for_a_while():
    ways = Ways()
    with pytest.raises(KeyError), switched(ways, one=False):
        assert ways == Ways(one=False)
        with switched(ways, one=True, other=False):
            assert ways == Ways(other=False)
        assert ways == Ways(one=False)
        raise KeyError
    assert ways == Ways()


def test_no_such_switch():
    ways = Ways()
    with pytest.raises(TypeError) as caught, switched(ways, one=False, xla=True):
        pass
    assert str(caught.value) == "using() takes one, other, but was given xla."
    assert ways == Ways()


@pytest.mark.parametrize(("value", "on"), [("0", False), ("1", True)])
def test_environment(value, on):
    code = "from albert.common.switching import ON; print(ON)"
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ALBERT_FAST": value},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() == str(on)
