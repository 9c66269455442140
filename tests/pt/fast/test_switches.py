"""Which quick ways may be taken."""

import os
import subprocess
import sys

import pytest

from albert.pt import fast


def test_all_are_on():
    assert fast.switches == fast.Switches(onednn=True, packed=True, unpadded=True)


def test_for_a_while():
    with pytest.raises(KeyError), fast.using(onednn=False):
        assert fast.switches == fast.Switches(onednn=False)
        with fast.using(onednn=True, packed=False):
            assert fast.switches == fast.Switches(packed=False)
        assert fast.switches == fast.Switches(onednn=False)
        raise KeyError
    assert fast.switches == fast.Switches()


def test_no_such_switch():
    with pytest.raises(TypeError) as caught, fast.using(onednn=False, xla=True):
        pass
    assert str(caught.value) == (
        "using() takes onednn, packed, unpadded, but was given xla."
    )
    assert fast.switches == fast.Switches()


@pytest.mark.parametrize(("value", "on"), [("0", False), ("1", True)])
def test_environment(value, on):
    code = "from albert.pt import fast; print(fast.switches)"
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ALBERT_FAST": value},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() == str(fast.Switches(onednn=on, packed=on, unpadded=on))
