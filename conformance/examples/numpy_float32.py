"""A fourth implementation, the smallest: the oracle's own steps on float32 weights.

`python -m conformance --implementation conformance.examples.numpy_float32:build`
"""

from __future__ import annotations

from typing import Any

import numpy as np

from albert.common.config import AlbertConfig
from conformance import oracle
from conformance.backends import Run
from conformance.run import DETAILS, WORDS


def build(class_name: str, config: AlbertConfig, weights: dict[str, np.ndarray]) -> Run:
    """Make a model.

    Args:
        class_name: PyTorch's name of the class.
        config: sizes and settings.
        weights: float32 by canonical name, a matrix as [out, in].

    Returns:
        The function to call.
    """

    def run(
        inputs: dict[str, np.ndarray], detailed: bool, training: bool = False
    ) -> dict[str, Any]:
        outputs = oracle.MODELS[class_name](config, weights, inputs)
        left_out = () if detailed else DETAILS
        if training and "labels" in inputs:
            # In training the scores of words are not given beside their loss.
            left_out = (*left_out, WORDS[class_name])
        return {
            name: _float32(value)
            for name, value in outputs.items()
            if name not in left_out
        }

    return run


def _float32(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_float32(one) for one in value)
    return np.asarray(value, np.float32)
