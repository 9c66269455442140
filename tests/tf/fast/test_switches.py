"""Which quick ways may be taken."""

from albert.tf import fast


def test_all_are_on():
    assert fast.switches == fast.Switches(compiled=True, packed=True)


def test_for_a_while():
    with fast.using(compiled=False):
        assert fast.switches == fast.Switches(compiled=False)
    assert fast.switches == fast.Switches()
