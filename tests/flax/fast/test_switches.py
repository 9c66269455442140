"""Which quick ways may be taken."""

from albert.flax import fast


def test_all_are_on():
    assert fast.switches == fast.Switches(
        compiled=True, rounded=True, layers=True, packed=True
    )


def test_for_a_while():
    with fast.using(packed=False, rounded=False):
        assert fast.switches == fast.Switches(packed=False, rounded=False)
    assert fast.switches == fast.Switches()
