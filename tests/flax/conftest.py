"""Small models with the oracle's weights, and inputs for them."""

import jax
import numpy as np
import pytest

import albert.flax
from albert.common.config import AlbertConfig
from albert.common.saving import save_arrays
from albert.flax.fast import calls
from conformance import oracle
from conformance.cases import SIZES, make_inputs, random_weights

# Of weights and inputs whose outputs float32 rounds little, as in conformance.cases.
SEED = 6


def _labels(class_name, config):
    random = np.random.default_rng(5)
    words = random.integers(0, config.vocab_size, (3, 7))
    words[random.random(words.shape) < 0.5] = -100
    tags = random.integers(0, config.num_labels, (3, 7))
    tags[random.random(tags.shape) < 0.5] = -100
    return {
        "AlbertModel": {},
        "AlbertForPreTraining": {
            "labels": words,
            "sentence_order_label": np.array([1, -100, 0]),
        },
        "AlbertForMaskedLM": {"labels": words},
        "AlbertForSequenceClassification": {"labels": np.array([7, -100, 2])},
        "AlbertForMultipleChoice": {"labels": np.array([8, 0, 3])},
        "AlbertForTokenClassification": {"labels": tags},
        "AlbertForQuestionAnswering": {
            "start_positions": np.array([0, 2, 7]),
            "end_positions": np.array([6, -1, 1]),
        },
    }[class_name]


@pytest.fixture
def config():
    """Pairwise distinct sizes, two groups of two blocks, three layers."""
    return AlbertConfig(**SIZES, num_hidden_groups=2, inner_group_num=2)


@pytest.fixture
def simple(config):
    """One group of one block: quicker to compile."""
    return config.replace(num_hidden_groups=1, inner_group_num=1)


@pytest.fixture
def inputs(config):
    """Make ids, segments, a mask and, if asked for, labels of a class."""

    def make(class_name="AlbertModel", labels=False):
        found = make_inputs(config, class_name, seed=SEED)
        return {**found, **(_labels(class_name, config) if labels else {})}

    return make


@pytest.fixture
def folder(tmp_path, config):
    """Write a checkpoint of a class and give its folder."""

    def write(class_name="AlbertModel", config=config, seed=SEED):
        path = tmp_path / f"{class_name}-{seed}"
        weights = random_weights(config, class_name, seed)
        save_arrays(path, config, weights, class_name)
        return path

    return write


@pytest.fixture
def load(folder, config):
    """Load a model of a class, its weights being the oracle's."""

    def loaded(class_name="AlbertModel", config=config, **arguments):
        path = folder(class_name, config)
        model_class = getattr(albert.flax, f"Flax{class_name}")
        return model_class.from_pretrained(path, **arguments)

    return loaded


@pytest.fixture
def expect(config):
    """Give the oracle's outputs for the weights that `load` has."""

    def expected(class_name, inputs, config=config):
        weights = float64_weights(config, class_name)
        return oracle.MODELS[class_name](config, weights, inputs)

    return expected


def float64_weights(config, class_name="AlbertModel"):
    """The weights that `load` has, as the oracle wants them."""
    weights = random_weights(config, class_name, SEED)
    return {name: array.astype(np.float64) for name, array in weights.items()}


@pytest.fixture
def weights(config):
    """Give the weights that `load` has, as the oracle wants them."""

    def give(class_name="AlbertModel"):
        return float64_weights(config, class_name)

    return give


@pytest.fixture
def assert_same():
    """Compare outputs of two ways: all but what rounding does to the values."""

    def compare(one, other):
        assert jax.tree.structure(one) == jax.tree.structure(other)
        for left, right in zip(
            jax.tree.leaves(one), jax.tree.leaves(other), strict=True
        ):
            assert (left.shape, left.dtype) == (right.shape, right.dtype)
            np.testing.assert_allclose(left, right, rtol=0, atol=1e-5)

    return compare


@pytest.fixture
def compilations():
    """A list that grows by one with each program that XLA compiles."""
    found = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: (
            found.append(event) if "backend_compile" in event else None
        )
    )
    yield found
    jax.monitoring.clear_event_listeners()


@pytest.fixture
def fresh_programs():
    """The compiled programs of plain calls, of which there are none at first."""
    calls._programs.clear()
    return calls._programs
