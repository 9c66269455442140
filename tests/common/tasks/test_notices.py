import sys
from types import ModuleType

import pytest

from albert.common.tasks.notices import notify


@pytest.mark.parametrize("depth", [0, 1, 5])
def test_a_notice_points_at_the_innermost_line_outside_the_package(depth):
    inside = ModuleType("albert.inside")
    inside.notify = notify
    source = """
def warn(depth):
    return warn(depth - 1) if depth else list(generate())

def generate():
    yield notify("Mind this.")
"""
    exec(source, vars(inside))
    with pytest.warns(UserWarning) as caught:
        line = sys._getframe().f_lineno + 1
        inside.warn(depth)
    (warning,) = caught
    assert str(warning.message) == "Mind this."
    assert (warning.filename, warning.lineno) == (__file__, line)


def test_a_notice_of_a_users_own():
    with pytest.warns(UserWarning) as caught:
        line = sys._getframe().f_lineno + 1
        notify("Mind this.")
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)
