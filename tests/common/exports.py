"""What the tests of exports share: tiny checkpoints of every class."""

import numpy as np
from safetensors.numpy import save_file

from albert.common.config import AlbertConfig
from conformance.cases import SIZES, random_weights


def write(folder, class_name, named=True, dtype="float32", **changes):
    """Write a checkpoint with random weights."""
    stated = [class_name] if named else None
    sizes = {**SIZES, "num_hidden_layers": 2, "architectures": stated}
    config = AlbertConfig(**{**sizes, **changes})
    folder.mkdir()
    config.save_pretrained(folder)
    weights = random_weights(config, class_name, seed=3)
    weights = {name: array.astype(dtype) for name, array in weights.items()}
    save_file(weights, folder / "model.safetensors")
    return folder


def inputs(class_name, batch=3, length=11):
    """Make inputs of a shape that no export is traced or compared at."""
    random = np.random.default_rng(5)
    choices = (6,) if class_name == "AlbertForMultipleChoice" else ()
    shape = (batch, *choices, length)
    mask = np.ones(shape, np.int32)
    mask[0, ..., 6:] = 0  # padded
    mask[1] = 0  # all padding
    mask[2, ..., :4] = 0  # padded on the left
    return {
        "input_ids": random.integers(0, SIZES["vocab_size"], shape, np.int32),
        "attention_mask": mask,
        "token_type_ids": random.integers(0, 2, shape, np.int32),
    }


def check(found, right, tolerance=1e-4):
    """Compare whole outputs."""
    assert set(found) == set(right)
    for name, expected in right.items():
        array = np.asarray(found[name])
        assert array.shape == expected.shape, name
        np.testing.assert_allclose(array, expected, rtol=0, atol=tolerance)
