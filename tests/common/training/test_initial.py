import numpy as np

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.training.initial import initial_weights

CONFIG = AlbertConfig(
    vocab_size=211,
    embedding_size=14,
    hidden_size=24,
    num_attention_heads=3,
    intermediate_size=37,
    num_hidden_layers=2,
    max_position_embeddings=29,
    initializer_range=0.05,
)


def test_every_weight_is_there_and_distributed_as_the_original_has_it():
    weights = initial_weights(CONFIG, "AlbertForPreTraining", 3)
    rows = names.weights(CONFIG, "AlbertForPreTraining")
    assert list(weights) == [row.canonical for row in rows]
    for row in rows:
        array = weights[row.canonical]
        assert array.shape == row.shape(CONFIG)
        assert array.dtype == np.float32
        if row.kind in (names.BIAS, names.SHIFT):
            assert (array == 0).all()
        elif row.kind == names.SCALE:
            assert (array == 1).all()
        else:
            assert np.abs(array).max() <= 0.1
    table = weights["albert.embeddings.word_embeddings.weight"]
    # The deviation of a normal distribution that is cut at twice its own, 0.880, to
    # within four of the estimate's deviations.
    assert abs(table.std() / 0.05 - 0.880) < 4 * 0.880 / np.sqrt(2 * table.size)
    assert abs(table.mean()) < 4 * 0.044 / np.sqrt(table.size)


def test_depends_on_the_seed_alone():
    one, again, other = (
        initial_weights(CONFIG, "AlbertForMaskedLM", seed) for seed in (3, 3, 4)
    )
    name = "albert.embeddings.word_embeddings.weight"
    np.testing.assert_array_equal(one[name], again[name])
    assert (one[name] != other[name]).mean() > 0.99
    matrices = [array.ravel()[:8] for array in one.values() if array.ndim == 2]
    assert len({each.tobytes() for each in matrices}) == len(matrices)
