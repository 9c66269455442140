"""What the tests of the PyTorch models share.

The sizes are pairwise distinct: B=3, S=7, E=5, H=24, N=4, D=6, I=37, V=101, P=19, L=8,
C=9; three layers of two groups of two blocks.
"""

from typing import Any

import numpy as np
import pytest
import torch

import albert.pt
from albert.common.config import AlbertConfig
from conformance import cases, oracle


class Lab:
    """Models with known weights, their inputs, and what the oracle says of them."""

    classes = (
        "AlbertModel",
        "AlbertForPreTraining",
        "AlbertForMaskedLM",
        "AlbertForSequenceClassification",
        "AlbertForMultipleChoice",
        "AlbertForTokenClassification",
        "AlbertForQuestionAnswering",
    )

    @staticmethod
    def config(**changes: Any) -> AlbertConfig:
        """Give the small configuration with some fields set differently."""
        sizes = {**cases.SIZES, "num_hidden_groups": 2, "inner_group_num": 2}
        return AlbertConfig(**{**sizes, **changes})

    @staticmethod
    def weights(config: AlbertConfig, class_name: str) -> dict[str, np.ndarray]:
        """Make weights by canonical name."""
        return cases.random_weights(config, class_name, seed=7)

    def model(self, class_name: str, dtype=torch.float32, **changes: Any) -> Any:
        """Build a model with the known weights, in inference mode."""
        config = self.config(**changes)
        model = getattr(albert.pt, class_name)(config)
        state = {
            name: torch.from_numpy(array.astype(np.float64))
            for name, array in self.weights(config, class_name).items()
        }
        if "predictions.bias" in state:
            table = state["albert.embeddings.word_embeddings.weight"]
            state["predictions.decoder.weight"] = table
            state["predictions.decoder.bias"] = state["predictions.bias"]
        if class_name == "AlbertModel":
            state = {name.removeprefix("albert."): a for name, a in state.items()}
        model.to(torch.float64).load_state_dict(state)
        return model.to(dtype).eval()

    def inputs(self, class_name: str, seed: int = 3, **kinds: Any) -> dict[str, Any]:
        """Make ids, segments and a mask as NumPy arrays."""
        return cases.make_inputs(self.config(), class_name, seed, **kinds)

    def labels(self, class_name: str) -> dict[str, np.ndarray]:
        """Make labels for a class; none for the bare model."""
        random = np.random.default_rng(4)

        def draw(number: int, *shape: int) -> np.ndarray:
            return random.integers(0, number, shape)

        def some(labels: np.ndarray) -> np.ndarray:
            return np.where(random.random(labels.shape) < 0.6, labels, -100)

        b, s = cases.BATCH, cases.LENGTH
        return {
            "AlbertModel": dict,
            "AlbertForPreTraining": lambda: {
                "labels": some(draw(101, b, s)),
                "sentence_order_label": draw(2, b),
            },
            "AlbertForMaskedLM": lambda: {"labels": some(draw(101, b, s))},
            "AlbertForSequenceClassification": lambda: {"labels": draw(8, b)},
            "AlbertForMultipleChoice": lambda: {"labels": draw(9, b)},
            "AlbertForTokenClassification": lambda: {"labels": some(draw(8, b, s))},
            "AlbertForQuestionAnswering": lambda: {
                "start_positions": draw(s, b),
                "end_positions": draw(s, b),
            },
        }[class_name]()

    def oracle(
        self, class_name: str, inputs: dict[str, np.ndarray], **changes: Any
    ) -> dict[str, Any]:
        """Give the oracle's outputs for the known weights."""
        config = self.config(**changes)
        weights = {
            name: array.astype(np.float64)
            for name, array in self.weights(config, class_name).items()
        }
        return oracle.MODELS[class_name](config, weights, inputs)

    @staticmethod
    def tensors(inputs: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
        """Turn arrays into tensors."""
        return {name: torch.tensor(array) for name, array in inputs.items()}

    @staticmethod
    def compare(found: Any, right: dict[str, Any], tolerance: float) -> None:
        """Compare whole outputs: the same names, shapes and values."""
        assert set(found) == set(right)
        for name, expected in right.items():
            values = found[name]
            assert isinstance(values, tuple) == isinstance(expected, tuple)
            pairs = (
                zip(values, expected, strict=True)
                if isinstance(expected, tuple)
                else [(values, expected)]
            )
            for one, other in pairs:
                array = one.detach().to(torch.float64).numpy()
                assert array.shape == np.shape(other), name
                np.testing.assert_allclose(
                    array, other, rtol=0, atol=tolerance, err_msg=name
                )


@pytest.fixture(scope="session")
def lab() -> Lab:
    """Give the maker of models, inputs and right answers."""
    return Lab()


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    # The tensors are tiny: sharing them out costs more than computing them.
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(params=Lab.classes)
def class_name(request: pytest.FixtureRequest) -> str:
    """Each of the seven classes."""
    return request.param
