"""What the TensorFlow tests share: a tiny model of pairwise distinct sizes."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest

import albert.tf
from albert.common.config import AlbertConfig
from albert.tf.fast import using
from conformance import oracle

BATCH, CHOICES, LENGTH = 3, 2, 7


@pytest.fixture(autouse=True)
def _steps(request: pytest.FixtureRequest) -> Iterator[None]:
    """Take the plain way, since each trace costs half a second; `fast/` takes both."""
    with using(compiled="fast" in request.path.parts):
        yield


@pytest.fixture(scope="session")
def config() -> AlbertConfig:
    """E=5, H=24, N=4, D=6, I=37, V=101, P=11, T=3, L=6; 3 layers, 2 groups of 2."""
    return AlbertConfig(
        vocab_size=101,
        embedding_size=5,
        hidden_size=24,
        num_hidden_layers=3,
        num_hidden_groups=2,
        num_attention_heads=4,
        intermediate_size=37,
        inner_group_num=2,
        max_position_embeddings=11,
        type_vocab_size=3,
        num_labels=6,
        initializer_range=0.3,
    )


@pytest.fixture(scope="session")
def flat(config: AlbertConfig) -> AlbertConfig:
    """One layer of one block, for what depth does not matter to."""
    return config.replace(num_hidden_layers=1, num_hidden_groups=1, inner_group_num=1)


@pytest.fixture
def make() -> Callable[..., Any]:
    """Build a model with weights that are all random, biases and scales too."""

    def build(class_name: str, config: AlbertConfig, **kwargs: Any) -> Any:
        keras.utils.set_random_seed(0)
        random = np.random.default_rng(0)
        model = getattr(albert.tf, f"TF{class_name}")(config, **kwargs)
        for weight in model.weights:
            if weight.name in ("bias", "beta", "gamma"):
                noise = random.normal(scale=0.3, size=tuple(weight.shape))
                weight.assign((weight.name == "gamma") + noise.astype(np.float32))
        return model

    return build


@pytest.fixture
def weights_of() -> Callable[[Any], oracle.Weights]:
    """Give a model's weights as the oracle takes them."""

    def read(model: Any) -> oracle.Weights:
        return {
            row.canonical: row.to_framework(model._get_weight(row).numpy(), "tf")
            .astype(np.float64)
            .copy()
            for row in model.weight_rows()
        }

    return read


@pytest.fixture
def inputs_of() -> Callable[[str], dict[str, np.ndarray]]:
    """Give a class's inputs with labels; row 0 hides every token, row 1 some."""

    def draw(name: str) -> dict[str, np.ndarray]:
        random = np.random.default_rng(1)
        choice = name == "AlbertForMultipleChoice"
        lead = (BATCH, CHOICES, LENGTH) if choice else (BATCH, LENGTH)
        mask = np.ones(lead, np.int32)
        mask[0], mask[1, ..., 4:] = 0, 0
        inputs = {
            "input_ids": random.integers(0, 101, lead),
            "attention_mask": mask,
            "token_type_ids": random.integers(0, 3, lead),
            "position_ids": random.integers(0, 11, lead),
        }
        pieces = random.integers(0, 101, lead)
        pieces[:, 2:4] = -100
        labels = {
            "AlbertForPreTraining": {
                "labels": pieces,
                "sentence_order_label": np.array([1, -100, 0]),
            },
            "AlbertForMaskedLM": {"labels": pieces},
            "AlbertForSequenceClassification": {"labels": np.array([5, -100, 2])},
            "AlbertForMultipleChoice": {"labels": np.array([1, 0, -100])},
            "AlbertForTokenClassification": {
                "labels": np.where(pieces < 0, -100, pieces % 6)
            },
            "AlbertForQuestionAnswering": {
                "start_positions": np.array([6, 7, 0]),
                "end_positions": np.array([-1, 3, 5]),
            },
        }
        return {**inputs, **labels.get(name, {})}

    return draw


@pytest.fixture
def assert_close() -> Callable[..., None]:
    """Compare two outputs, whole tensor by whole tensor."""

    def compare(found: Any, expected: Any, tolerance: float = 2e-5) -> None:
        assert set(found) == set(expected)
        for name in expected:
            pair = (found[name], expected[name])
            pairs = zip(*pair, strict=True) if isinstance(pair[1], tuple) else [pair]
            for tensor, array in pairs:
                value = np.asarray(tensor, np.float64)
                assert np.isfinite(value).all(), name
                np.testing.assert_allclose(
                    value, array, rtol=0, atol=tolerance, err_msg=name
                )

    return compare
