"""Which quick ways may be taken."""

from albert.pt import fast


def test_all_are_on():
    assert fast.switches == fast.Switches(onednn=True, packed=True, unpadded=True)


def test_for_a_while():
    with fast.using(onednn=False, packed=False):
        assert fast.switches == fast.Switches(onednn=False, packed=False)
    assert fast.switches == fast.Switches()
