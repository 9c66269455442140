"""Training steps of the three frameworks: one curve, one state, one way to go on."""

import importlib
import math
from functools import cache

import numpy as np
import pytest

from albert.common.config import AlbertConfig
from albert.common.saving import save_arrays
from albert.common.tasks import backend
from albert.common.training.initial import initial_weights
from albert.common.training.objectives import cut, pretraining
from albert.common.training.settings import TrainingSettings
from conformance import oracle

CLASS = "AlbertForPreTraining"
FRAMEWORKS = tuple(backend.PREFIXES)
SIZES = {
    "vocab_size": 61,
    "embedding_size": 6,
    "hidden_size": 12,
    "num_attention_heads": 3,
    "intermediate_size": 20,
    "num_hidden_layers": 2,
    "max_position_embeddings": 24,
    "initializer_range": 0.2,
}
OBJECTIVE = pretraining(0.5)
BATCH, LENGTH, PLACES = 4, 17, 5


@cache
def _batch(step):
    rng = np.random.default_rng([7, step])
    lengths = rng.integers(9, LENGTH + 1, (BATCH, 1))
    mask = (np.arange(LENGTH) < lengths).astype(np.int32)
    labels = rng.integers(5, 61, (BATCH, PLACES))
    labels[rng.random((BATCH, PLACES)) < 0.3] = -100
    batch = {
        "input_ids": rng.integers(5, 61, (BATCH, LENGTH)) * mask,
        "attention_mask": mask,
        "token_type_ids": (np.arange(LENGTH) > lengths // 2) * mask,
        "masked_lm_positions": np.sort(rng.integers(1, 9, (BATCH, PLACES))),
        "labels": labels,
        "sentence_order_label": np.where(
            rng.random(BATCH) < 0.3, -100, rng.integers(0, 2, BATCH)
        ),
    }
    return {name: array.astype(np.int32) for name, array in batch.items()}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Folders of the same new weights, without and with dropout."""
    root = tmp_path_factory.mktemp("start")
    for name, rate in (("still", 0.0), ("dropping", 0.3)):
        config = AlbertConfig(
            **SIZES, hidden_dropout_prob=rate, attention_probs_dropout_prob=rate
        )
        save_arrays(root / name, config, initial_weights(config, CLASS, 3), CLASS)
    return root


def _trainer(framework, source, **settings):
    module = importlib.import_module(f"albert.{framework}.training")
    return module.make_trainer(
        backend.model_class(framework, CLASS),
        source,
        TrainingSettings(**{"steps": 9, "batch_size": BATCH, **settings}),
        OBJECTIVE,
    )


def _step(trainer, number, parts=1, rate=0.01, scale=1.0):
    batch = _batch(number)
    cuts = cut(batch, parts)
    return trainer.step(cuts, OBJECTIVE.shares(cuts, batch), number, rate, scale)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_losses_are_the_oracles(start, framework):
    """Before a step, without dropout, in parts and whole, with a scale and without."""
    trainer = _trainer(framework, start / "still")
    config = trainer.model.config
    weights = {
        name: array.astype(np.float64)
        for name, array in initial_weights(config, CLASS, 3).items()
    }
    batch = _batch(0)
    inputs = {name: batch[name] for name in batch if name != "sentence_order_label"}
    words = oracle.MODELS[CLASS](config, weights, inputs)["loss"]
    both = oracle.MODELS[CLASS](config, weights, batch)["loss"]
    numbers = _step(trainer, 0, parts=2, rate=0.0, scale=8.0)
    # float32 sums of some hundred terms
    assert numbers["mlm_loss"] == pytest.approx(float(words), abs=2e-6)
    assert numbers["sop_loss"] == pytest.approx(float(both - words), abs=2e-6)
    assert numbers["loss"] == pytest.approx(
        float(words + 0.5 * (both - words)), abs=4e-6
    )
    whole = _step(_trainer(framework, start / "still"), 0, rate=0.0)
    # The order of the sums differs; the gradients' norm is some hundred times its ulp.
    assert numbers == pytest.approx(whole, rel=3e-6)


def test_a_state_goes_on_in_any_framework(start, tmp_path):
    """Four steps, each in the framework after the one before, give PyTorch's curve."""
    alone = _trainer("pt", start / "still")
    expected = [_step(alone, number) for number in range(4)]
    source, state, found = start / "still", None, []
    for number, framework in enumerate(("tf", "flax", "pt", "tf")):
        trainer = _trainer(framework, source)
        if state is not None:
            trainer.load_state(state)
        found.append(_step(trainer, number))
        state, source = trainer.state(), tmp_path / str(number)
        trainer.save_model(source)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=2e-5)
    last = alone.state()
    assert sorted(state) == sorted(last)
    for name, array in state.items():
        # Moments are as exact as gradients: 1e-5 of the largest.
        limit = 1e-5 * np.abs(last[name]).max() + 1e-9
        np.testing.assert_allclose(array, last[name], rtol=0, atol=limit, err_msg=name)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_dropout_depends_on_seed_step_and_part(start, framework):
    def losses(seed, numbers, parts=1):
        trainer = _trainer(framework, start / "dropping", seed=seed)
        return [
            trainer.step(
                [_batch(0)] * parts,
                [{"mlm": 1 / parts, "sop": 1 / parts}] * parts,
                number,
                0.0,
            )["loss"]
            for number in numbers
        ]

    first, other, again = losses(3, (5, 6, 5))
    assert first == again
    assert first != other
    assert losses(4, (5,)) != [first]
    assert losses(3, (5,), parts=2) != [first]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_gradients_that_are_not_finite_change_nothing(start, framework):
    trainer = _trainer(framework, start / "still")
    _step(trainer, 0)
    before = trainer.state(), _weights(trainer)
    numbers = _step(trainer, 1, scale=math.inf)
    assert not math.isfinite(numbers["gradient_norm"])
    for old, new in zip(before, (trainer.state(), _weights(trainer)), strict=True):
        for name in old:
            np.testing.assert_array_equal(new[name], old[name], err_msg=name)
    assert math.isfinite(_step(trainer, 1)["gradient_norm"])


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_evaluation_counts_labels_only(start, framework):
    trainer = _trainer(framework, start / "dropping")
    batch = _batch(0)
    config = trainer.model.config
    weights = {
        name: array.astype(np.float64)
        for name, array in initial_weights(config, CLASS, 3).items()
    }
    inputs = {
        name: batch[name]
        for name in batch
        if name not in ("labels", "sentence_order_label")
    }
    outputs = oracle.MODELS[CLASS](config, weights, inputs)
    found = trainer.evaluate(batch)
    for name, field, labels in (
        ("mlm", "prediction_logits", batch["labels"]),
        ("sop", "sop_logits", batch["sentence_order_label"]),
    ):
        counted = labels != -100
        logits, right = outputs[field][counted], labels[counted]
        shifted = logits - logits.max(-1, keepdims=True)
        log_probs = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
        total = -log_probs[np.arange(len(right)), right].sum()
        assert found[f"{name}_count"] == counted.sum()
        assert found[f"{name}_right"] == (logits.argmax(-1) == right).sum()
        assert found[f"{name}_loss"] == pytest.approx(total, rel=2e-6)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_low_precision_keeps_float32_weights(start, framework, precision):
    exact = _step(_trainer(framework, start / "still"), 0, rate=0.0)
    trainer = _trainer(framework, start / "still", precision=precision)
    numbers = _step(trainer, 0, scale=64.0)
    # Eight bits of bfloat16, over two layers.
    assert numbers["loss"] == pytest.approx(exact["loss"], rel=2e-2)
    assert numbers["loss"] != exact["loss"]
    assert {array.dtype for array in _weights(trainer).values()} == {np.dtype("f4")}


def _weights(trainer):
    found = {}
    for row in trainer.model.weight_rows():
        weight = trainer.model._get_weight(row)
        weight = weight.detach() if hasattr(weight, "detach") else weight
        found[row.canonical] = np.copy(
            weight.numpy() if hasattr(weight, "numpy") else weight
        )
    return found
