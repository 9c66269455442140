"""The same with a mistake that many make: the erf form of GELU for the tanh form.

`python -m conformance --implementation conformance.examples.erf_gelu:build` fails.
"""

from __future__ import annotations

import numpy as np

from albert.common.config import AlbertConfig
from conformance.backends import Run
from conformance.examples import numpy_float32


def build(class_name: str, config: AlbertConfig, weights: dict[str, np.ndarray]) -> Run:
    """Make a model; arguments and result as `numpy_float32.build`'s."""
    wrong = {"gelu_new": "gelu", "gelu_fast": "gelu"}
    config = config.replace(hidden_act=wrong.get(config.hidden_act, config.hidden_act))
    return numpy_float32.build(class_name, config, weights)
