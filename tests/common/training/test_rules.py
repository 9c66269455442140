"""The optimizers' settings, and which weights they leave out."""

import dataclasses
import math

import pytest

from albert.common.config import AlbertConfig
from albert.common.names import KERNEL, TABLE, all_weights
from albert.common.training.rules import (
    OptimizerSettings,
    check_max_norm,
    corrections,
    left_out,
)


def test_the_defaults_are_the_originals():
    expected = {
        "name": "lamb",
        "betas": (0.9, 0.999),
        "epsilon": 1e-6,
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
        "bias_correction": False,
    }
    settings = OptimizerSettings()
    assert dataclasses.asdict(settings) == expected
    assert settings.arguments() == {
        name: expected[name]
        for name in ("betas", "epsilon", "weight_decay", "bias_correction")
    }


@pytest.mark.parametrize("framework", ["pt", "tf", "flax"])
def test_weights_of_every_head_by_kind(framework):
    rows = all_weights(AlbertConfig())
    assert len(rows) > 30
    for row in rows:
        name, axes = getattr(row.kind, framework), len(row.letters)
        assert left_out(framework, name, axes) is (row.kind not in (TABLE, KERNEL))


@pytest.mark.parametrize(
    ("framework", "name", "axes", "right"),
    [
        ("pt", "weight", 2, False),
        ("pt", "weight", 1, True),
        ("pt", "bias", 2, True),
        ("pt", "in_proj_weight", 2, False),
        ("pt", "temperature", 0, True),
        ("pt", "", 1, True),
        ("tf", "kernel", 3, False),
        ("tf", "kernel", 1, False),
        ("tf", "bias", 2, True),
        ("tf", "alpha", 1, True),
        ("tf", "alpha", 2, False),
        ("flax", "scale", 1, True),
        ("flax", "bias", 3, True),
        ("flax", "embedding", 2, False),
        ("flax", "mixing", 2, False),
    ],
)
def test_weights_of_a_users_own(framework, name, axes, right):
    assert left_out(framework, name, axes) is right


def test_corrections():
    assert corrections((0.5, 0.9), 2) == pytest.approx((0.75, 0.19))


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"name": "adam"}, "name must be 'lamb' or 'adamw', but is 'adam'."),
        (
            {"betas": (0.9, 1.0)},
            "betas must be two numbers from 0 to below 1, but is (0.9, 1.0).",
        ),
        (
            {"betas": 0.9},
            "betas must be two numbers from 0 to below 1, but is 0.9.",
        ),
        ({"epsilon": -1.0}, "epsilon must be 0 or more and finite, but is -1.0."),
        (
            {"weight_decay": math.inf},
            "weight_decay must be 0 or more and finite, but is inf.",
        ),
        (
            {"max_grad_norm": 0.0},
            "max_grad_norm must be above 0 and finite, but is 0.0.",
        ),
    ],
)
def test_nonsense_is_refused(wrong, text):
    with pytest.raises(ValueError) as raised:
        OptimizerSettings(**wrong)
    assert str(raised.value) == text


def test_betas_from_a_json_file():
    betas: list[float] = [0.8, 0.9]
    assert OptimizerSettings(betas=betas).betas == (0.8, 0.9)  # pyright: ignore


def test_without_clipping_the_limit_is_never_reached():
    assert OptimizerSettings(max_grad_norm=None).limit > 1e38
    assert OptimizerSettings(max_grad_norm=2.0).limit == 2.0


def test_check_max_norm():
    check_max_norm("max_norm", 0.1)
    with pytest.raises(ValueError) as raised:
        check_max_norm("max_norm", math.nan)
    assert str(raised.value) == "max_norm must be above 0 and finite, but is nan."
