"""Where dropout fires and how often, in every framework."""

import numpy as np
import pytest

from conformance import dropout
from conformance.backends import PREFIXES
from conformance.tolerances import DEVIATIONS

FRAMEWORKS = tuple(PREFIXES)
# JAX compiles each anew, for 5 s: two programs that do for four places.
IN_FLAX = (
    "AlbertModel-dropout-embeddings",
    "AlbertModel-dropout-attention output",
    "AlbertModel-dropout-feed-forward output",
    "AlbertForTokenClassification-dropout-classifier",
)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    import torch

    # The tensors are tiny: sharing them out costs more than computing them.
    torch.set_num_threads(1)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_fires_where_the_original_s_does(framework):
    wanted = IN_FLAX if framework == "flax" else (None,)
    results = [result for name in wanted for result in dropout.run(framework, name)]
    right = len(dropout.places()) + len(dropout.others())
    assert len(results) == (len(IN_FLAX) if framework == "flax" else right)
    failed = [(r.case.id, r.error, r.failure) for r in results if not r.passed]
    assert failed == []


# What the places read


def masked(rate=dropout.RATE, shape=(64, 32), seed=0):
    kept = np.random.default_rng(seed).random(shape) >= rate
    return kept / (1 - dropout.RATE)


def test_a_count_within_chance_and_one_beyond():
    share = dropout._share
    assert share([masked() > 0.5]) < DEVIATIONS
    assert share([masked(rate=0.31) > 0.5]) > DEVIATIONS
    assert share([masked() > 0.5, np.ones((64, 32), bool)]) > DEVIATIONS


def test_what_is_not_scaled_is_no_mask():
    right = masked()
    found = dropout._mask(right)
    assert found is not None
    assert np.array_equal(found, right > 0)
    assert dropout._mask(right * 0.75) is None
    assert dropout._mask(right + 0.1) is None


def test_masks_that_agree_too_often():
    masks = [masked(seed=seed) > 0.5 for seed in range(3)]
    one, two, _ = masks
    values = [mask * 4 / 3 for mask in masks]
    assert max(dropout._agreements([one, two], [values[1], values[2]])) < DEVIATIONS
    # The next step's, and another layer's, is the same.
    assert max(dropout._agreements([one], values[:1])) > DEVIATIONS
    assert max(dropout._agreements([one, one], values[1:])) > DEVIATIONS
    # All rows have one mask.
    rows = np.broadcast_to(one[:1], one.shape)
    assert max(dropout._agreements([rows], values[1:2])) > DEVIATIONS


def test_a_sum_is_recovered_behind_two_norms():
    random = np.random.default_rng(0)
    before = random.normal(size=(2, 3, dropout.WIDTH))
    added = random.normal(size=before.shape)
    added[..., dropout.KNOWN] = 0
    after = before + added
    for _ in range(2):
        after = after - after.mean(-1, keepdims=True)
        after = after / after.std(-1, keepdims=True)
    (found,) = dropout._added({"hidden_states": (before, after)})
    np.testing.assert_allclose(found, added, atol=1e-12)


def test_digits_of_a_sum():
    bits = np.random.default_rng(0).integers(0, 2, (5, 2, dropout.DIGITS))
    scaled = bits / (1 - dropout.RATE)
    logits = 0.5 * (scaled * 2.0 ** np.arange(dropout.DIGITS)).sum(-1)
    (found,) = dropout._digits({"logits": logits})
    np.testing.assert_allclose(found, scaled)
    (found,) = dropout._digits({"logits": logits + 0.1})
    assert np.isnan(found).all()
    (found,) = dropout._digits({"logits": np.full((5, 2), 0.5 * 4095)})
    assert (found == 1).all()
