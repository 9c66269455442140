"""Each purpose has numbers of its own."""

import itertools

import pytest

from albert.common.data.randomness import SEEDS, check_seed, stream


def test_every_argument_counts_and_nothing_else():
    seen = set()
    for arguments in itertools.product((0, 1, SEEDS - 1), (1, 2), (0, 1, 2), (0, 1)):
        first = tuple(stream(*arguments).integers(0, 1 << 62, 4))
        assert first == tuple(stream(*arguments).integers(0, 1 << 62, 4))
        seen.add(first)
    assert len(seen) == 3 * 2 * 3 * 2


@pytest.mark.parametrize("seed", [-1, SEEDS])
def test_seeds_that_do_not_fit(seed):
    with pytest.raises(ValueError) as caught:
        check_seed(seed)
    assert str(caught.value) == (
        f"seed must be 0 to 9223372036854775807, but is {seed}."
    )
