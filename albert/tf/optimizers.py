"""LAMB and AdamW as ALBERT's original has them, and its clipping.

The plain rules, for `settings.bias_correction` False: with g the clipped gradient,
m = beta_1 m + (1 - beta_1) g, v = beta_2 v + (1 - beta_2) g^2,
u = m / (sqrt(v) + epsilon) + weight_decay w, w = w - learning_rate r u, where r is 1 in
AdamW and |w| / |u| in LAMB. Weights that are left out have r = 1 and no decay.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import keras
import tensorflow as tf

from albert.common.training.rules import (
    OptimizerSettings,
    check_max_norm,
    corrections,
    left_out,
)
from albert.common.training.schedules import PolynomialDecay

_register = keras.saving.register_keras_serializable(package="albert")


def clip_by_global_norm(
    gradients: Sequence[Any], max_norm: float
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Scale gradients down, together, to a norm that they must not be above.

    Args:
        gradients: float tensors, as `tf.GradientTape.gradient` gives them. Rows of a
            table that come one by one are added up first; TensorFlow's own function
            takes the norm without that.
        max_norm: the norm.

    Returns:
        The gradients, and their norm before: float []. Where that is not finite,
        every gradient is NaN: leave the step out.

    Raises:
        ValueError: `max_norm` is not above 0, or there is no gradient.

    Source: google-research/albert optimization.py, which has no epsilon here.
    """
    check_max_norm("max_norm", max_norm)
    if not gradients:
        raise ValueError("gradients must not be empty.")
    dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
    norm = tf.linalg.global_norm([_widen(gradient) for gradient in dense])
    factor = max_norm / tf.maximum(norm, max_norm)
    factor = tf.where(tf.math.is_finite(norm), factor, math.nan)
    return [one * tf.cast(factor, one.dtype) for one in dense], norm


def make_optimizer(
    settings: OptimizerSettings, learning_rate: Any
) -> keras.optimizers.Optimizer:
    """Make the optimizer of the settings; clipping is `clip_by_global_norm`'s.

    Args:
        settings: which one, and its numbers.
        learning_rate: a number or a schedule of Keras.

    Returns:
        `TFLamb` or `TFAdamW`.
    """
    kind = {"lamb": TFLamb, "adamw": TFAdamW}[settings.name]
    return kind(learning_rate, **settings.arguments())


@_register
class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A `PolynomialDecay` in the form that Keras asks and saves."""

    def __init__(self, **settings: Any) -> None:
        self.decay = PolynomialDecay(**settings)

    def __call__(self, step: Any) -> Any:
        return self.decay.formula(keras.ops, keras.ops.cast(step, "float32"))

    def get_config(self) -> dict[str, Any]:
        return asdict(self.decay)


class _ByMoments(keras.optimizers.Optimizer):
    """What both have: the moments, their quotient and the decay."""

    def __init__(
        self, learning_rate: Any, settings: OptimizerSettings, **kwargs: Any
    ) -> None:
        super().__init__(
            _to_keras(learning_rate), weight_decay=settings.weight_decay, **kwargs
        )
        self.betas = settings.betas
        self.epsilon = settings.epsilon
        self.bias_correction = settings.bias_correction

    def build(self, variables: Sequence[Any]) -> None:
        """Make the moments.

        Args:
            variables: the model's trainable ones.
        """
        if self.built:
            return
        super().build(variables)
        self._first, self._second = self.add_optimizer_variables(
            variables, ["first_moment", "second_moment"]
        )
        # `exclude_from_weight_decay` is Keras' way to leave out more.
        self._left_out = [
            not self._use_weight_decay(variable)
            or left_out("tf", _own_name(variable), len(variable.shape))
            for variable in variables
        ]

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Update variables; rows of a table that come one by one are added up.

        Args:
            grads: a gradient or None for each variable.
            trainable_variables: the variables; None for those of `build`.
        """
        dense = [None if one is None else tf.convert_to_tensor(one) for one in grads]
        super().apply(dense, trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable.

        Args:
            gradient: of its shape.
            variable: one of those of `build`.
            learning_rate: a number.
        """
        index = self._get_variable_index(variable)
        first, second = self._first[index], self._second[index]
        gradient = tf.cast(gradient, variable.dtype)
        # moments
        beta_1, beta_2 = self.betas
        self.assign(first, first * beta_1 + gradient * (1 - beta_1))
        self.assign(second, second * beta_2 + tf.square(gradient) * (1 - beta_2))
        # their quotient
        mean, square = tf.convert_to_tensor(first), tf.convert_to_tensor(second)
        if self.bias_correction:
            steps: Any = self.iterations
            parts = corrections(self.betas, tf.cast(steps + 1, tf.float32))
            mean = mean / tf.cast(parts.first, mean.dtype)
            square = square / tf.cast(parts.second, square.dtype)
        update = mean / (tf.sqrt(square) + self.epsilon)
        # decay and trust ratio
        if not self._left_out[index]:
            weight = tf.convert_to_tensor(variable)
            update += weight * self.weight_decay
            update *= tf.cast(self._ratio(weight, update), update.dtype)
        self.assign_sub(variable, update * tf.cast(learning_rate, update.dtype))

    def get_config(self) -> dict[str, Any]:
        """Give what `from_config` makes an optimizer of the same kind from."""
        return {
            **super().get_config(),
            "betas": self.betas,
            "epsilon": self.epsilon,
            "bias_correction": self.bias_correction,
        }

    def _apply_weight_decay(self, variables: Any) -> None:
        # Keras' own decay would come before the update, whose ratio needs it.
        return

    def _ratio(self, weight: tf.Tensor, update: tf.Tensor) -> Any:
        """Give what the update is multiplied by."""
        return 1.0


@_register
class TFAdamW(_ByMoments):
    """Adam with decay beside the gradient, as ALBERT's original has it.

    Args:
        learning_rate: a number, a schedule of Keras, or a `PolynomialDecay`.
        betas: how much of the two moments is kept.
        epsilon: added to the root of the second moment.
        weight_decay: how much of a weight is added to its update.
        bias_correction: whether the moments' start at 0 is taken out of them, as
            `keras.optimizers.AdamW` does; the original does not.
        **kwargs: of every optimizer of Keras, such as `global_clipnorm`,
            `gradient_accumulation_steps` and `name`.

    Raises:
        ValueError: a value is out of range.

    Source: google-research/albert optimization.py, `AdamWeightDecayOptimizer`.
    """

    def __init__(
        self,
        learning_rate: Any,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-6,
        weight_decay: float = 0.01,
        bias_correction: bool = False,
        **kwargs: Any,
    ) -> None:
        settings = OptimizerSettings(
            "adamw",
            betas,
            epsilon,
            weight_decay,
            bias_correction=bias_correction,
        )
        super().__init__(learning_rate, settings, **kwargs)


@_register
class TFLamb(_ByMoments):
    """AdamW whose update of each weight is scaled to the weight's norm.

    Args:
        learning_rate: a number, a schedule of Keras, or a `PolynomialDecay`.
        betas: how much of the two moments is kept.
        epsilon: added to the root of the second moment.
        weight_decay: how much of a weight is added to its update, before its norm is
            taken.
        bias_correction: whether the moments' start at 0 is taken out of them, as in
            the paper; the original does not.
        **kwargs: of every optimizer of Keras, such as `global_clipnorm`,
            `gradient_accumulation_steps` and `name`.

    Raises:
        ValueError: a value is out of range.

    Source: You et al. 2019 (LAMB); google-research/albert lamb_optimizer.py.
    """

    def __init__(
        self,
        learning_rate: Any,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-6,
        weight_decay: float = 0.01,
        bias_correction: bool = False,
        **kwargs: Any,
    ) -> None:
        settings = OptimizerSettings(
            "lamb",
            betas,
            epsilon,
            weight_decay,
            bias_correction=bias_correction,
        )
        super().__init__(learning_rate, settings, **kwargs)

    def _ratio(self, weight: tf.Tensor, update: tf.Tensor) -> Any:
        norms = tf.norm(_widen(weight)), tf.norm(_widen(update))
        none = (norms[0] == 0) | (norms[1] == 0)
        return tf.where(none, tf.ones_like(norms[0]), norms[0] / norms[1])


def _to_keras(given: Any) -> Any:
    if isinstance(given, PolynomialDecay):
        return _Schedule(**asdict(given))
    if callable(given):
        return given
    rate: Any = given
    if not math.isfinite(rate):
        raise ValueError(f"learning_rate must be finite, but is {rate!r}.")
    return float(rate)


def _own_name(variable: Any) -> str:
    return variable.name.rpartition("/")[2].partition(":")[0]


def _widen(tensor: Any) -> tf.Tensor:
    return tf.cast(tensor, keras.backend.result_type(tensor.dtype, "float32"))
