"""The way of the published sizes, on a small one."""

import numpy as np
import pytest

from albert.common.presets import PRESETS
from conformance import sizes
from conformance.sizes import SIZES, case_of

SMALL = {
    **PRESETS["albert-base-v2"],
    "vocab_size": 60,
    "embedding_size": 6,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 37,
}


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setitem(sizes.PRESETS, "small", SMALL)
    return case_of("small")


def test_sizes_are_the_published_ones_at_full_width():
    widths = [case_of(size).config.hidden_size for size in SIZES]
    assert widths == [768, 1024, 2048, 4096]
    assert {case_of(size).inputs["input_ids"].shape for size in SIZES} == {(4, 7)}


def test_each_layer_is_compared(small, tmp_path):
    (result,) = sizes.run("pt", ["small"], tmp_path)
    assert result.failure == ""
    assert result.passed
    found = [step.name for step in result.steps]
    assert [name for name in found if name.endswith("layer_norm")] == [
        f"blocks.{block}.full_layer_layer_norm" for block in range(3)
    ]
    assert {"prediction_logits", "plain call: sop_logits"} <= set(found)
    assert (tmp_path / "small" / "oracle.npz").exists()


def test_what_the_oracle_gave_is_kept(small, tmp_path, monkeypatch):
    first = sizes.steps_of("pt", small, tmp_path)
    monkeypatch.setattr(sizes, "_steps", None)
    assert sizes.steps_of("pt", small, tmp_path) == first


def test_a_wrong_weight_is_seen(small, tmp_path, monkeypatch):
    right = sizes._random

    def wrong(row, config):
        array = right(row, config)
        if row.canonical.endswith("ffn_output.bias"):
            array[3] += np.float32(1e-4)
        return array

    sizes.steps_of("pt", small, tmp_path)
    monkeypatch.setattr(sizes, "_random", wrong)
    other = tmp_path / "other"
    sizes._written(small, other / "small")
    (other / "small" / "oracle.npz").write_bytes(
        (tmp_path / "small" / "oracle.npz").read_bytes()
    )
    (result,) = sizes.run("pt", ["small"], other)
    assert not result.passed
    assert result.failure.startswith(
        "first diverging step: blocks.0.full_layer_layer_norm["
    )


def test_a_size_that_cannot_be_loaded_is_a_failure(small, tmp_path):
    sizes._written(small, tmp_path / "small")
    (tmp_path / "small" / "model.safetensors").write_bytes(b"nothing")
    (result,) = sizes.run("pt", ["small"], tmp_path)
    assert not result.passed
    assert result.failure
