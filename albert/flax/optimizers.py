"""LAMB and AdamW as ALBERT's original has them, and its clipping.

The plain rules, for `settings.bias_correction` False: with g the clipped gradient,
m = beta_1 m + (1 - beta_1) g, v = beta_2 v + (1 - beta_2) g^2,
u = m / (sqrt(v) + epsilon) + weight_decay w, w = w - learning_rate r u, where r is 1 in
AdamW and |w| / |u| in LAMB. Weights that are left out have r = 1 and no decay.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import optax

from albert.common.training.rules import (
    OptimizerSettings,
    check_max_norm,
    left_out,
)


def clip_by_global_norm(gradients: Any, max_norm: float) -> tuple[Any, jax.Array]:
    """Scale gradients down, together, to a norm that they must not be above.

    Args:
        gradients: a tree of float arrays.
        max_norm: the norm.

    Returns:
        The gradients, and their norm before: float []. Where that is not finite,
        every gradient is NaN: leave the step out.

    Raises:
        ValueError: `max_norm` is not above 0, or there is no gradient.

    Source: google-research/albert optimization.py, which has no epsilon here.
    """
    check_max_norm("max_norm", max_norm)
    leaves = jax.tree.leaves(gradients)
    if not leaves:
        raise ValueError("gradients must not be empty.")
    norm = jnp.sqrt(sum(jnp.square(_widen(leaf)).sum() for leaf in leaves))
    factor = max_norm / jnp.maximum(norm, max_norm)
    factor = jnp.where(jnp.isfinite(norm), factor, jnp.nan)
    clipped = jax.tree.map(lambda one: (one * factor).astype(one.dtype), gradients)
    return clipped, norm


def make_optimizer(
    settings: OptimizerSettings, learning_rate: Any
) -> optax.GradientTransformationExtraArgs:
    """Make the optimizer of the settings; clipping is `clip_by_global_norm`'s.

    Args:
        settings: which one, and its numbers.
        learning_rate: a number or a schedule of optax.

    Returns:
        `FlaxLamb` or `FlaxAdamW`.
    """
    kind: Any = {"lamb": FlaxLamb, "adamw": FlaxAdamW}[settings.name]
    return kind(learning_rate, **settings.arguments())


def decay_mask(params: Any) -> Any:
    """Say which weights get decay and, in LAMB, a trust ratio.

    Args:
        params: nested dictionary of weights, of a model of this package or any other.

    Returns:
        The same tree of truth values.
    """

    def kept(path: Any, leaf: Any) -> bool:
        return not left_out("flax", str(getattr(path[-1], "key", "")), jnp.ndim(leaf))

    return jax.tree.map_with_path(kept, params)


class FlaxAdamW(optax.GradientTransformationExtraArgs):
    """Adam with decay beside the gradient, as ALBERT's original has it.

    Args:
        learning_rate: a number, or a schedule of optax: a function from the step, 0 at
            first, to one, such as `PolynomialDecay`. `optax.inject_hyperparams` makes
            it a part of the state.
        betas: how much of the two moments is kept.
        epsilon: added to the root of the second moment.
        weight_decay: how much of a weight is added to its update.
        bias_correction: whether the moments' start at 0 is taken out of them, as
            `optax.adamw` does; the original does not.

    Raises:
        ValueError: a value is out of range.

    Source: google-research/albert optimization.py, `AdamWeightDecayOptimizer`.
    """

    def __new__(
        cls,
        learning_rate: Any,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: Any = 1e-6,
        weight_decay: Any = 0.01,
        bias_correction: bool = False,
    ) -> "FlaxAdamW":
        """Chain the steps; see the class."""
        steps = optax.chain(
            _quotient("adamw", betas, epsilon, weight_decay, bias_correction),
            optax.add_decayed_weights(weight_decay, decay_mask),
            _times_rate(learning_rate),
        )
        return super().__new__(cls, *optax.with_extra_args_support(steps))

    def __reduce__(self) -> Any:
        # A copy is made of the two functions, not of what they were made from.
        return optax.GradientTransformationExtraArgs, tuple(self)


class FlaxLamb(optax.GradientTransformationExtraArgs):
    """AdamW whose update of each weight is scaled to the weight's norm.

    Args:
        learning_rate: a number, or a schedule of optax: a function from the step, 0 at
            first, to one, such as `PolynomialDecay`. `optax.inject_hyperparams` makes
            it a part of the state.
        betas: how much of the two moments is kept.
        epsilon: added to the root of the second moment.
        weight_decay: how much of a weight is added to its update, before its norm is
            taken.
        bias_correction: whether the moments' start at 0 is taken out of them, as in
            the paper; the original does not.

    Raises:
        ValueError: a value is out of range.

    Source: You et al. 2019 (LAMB); google-research/albert lamb_optimizer.py.
    """

    def __new__(
        cls,
        learning_rate: Any,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: Any = 1e-6,
        weight_decay: Any = 0.01,
        bias_correction: bool = False,
    ) -> "FlaxLamb":
        """Chain the steps; see the class."""
        steps = optax.chain(
            _quotient("lamb", betas, epsilon, weight_decay, bias_correction),
            optax.add_decayed_weights(weight_decay, decay_mask),
            optax.masked(optax.scale_by_trust_ratio(), decay_mask),
            _times_rate(learning_rate),
        )
        return super().__new__(cls, *optax.with_extra_args_support(steps))

    def __reduce__(self) -> Any:
        # A copy is made of the two functions, not of what they were made from.
        return optax.GradientTransformationExtraArgs, tuple(self)


def _quotient(
    name: str,
    betas: tuple[float, float],
    epsilon: Any,
    weight_decay: Any,
    bias_correction: bool,
) -> optax.GradientTransformation:
    """Divide the first moment by the root of the second one."""
    given = {"epsilon": epsilon, "weight_decay": weight_decay}
    # Injected hyperparameters have no values within a trace.
    known = {
        key: value for key, value in given.items() if not isinstance(value, jax.Array)
    }
    OptimizerSettings(name, betas, **known)
    if bias_correction:
        return optax.scale_by_adam(*betas, eps=epsilon)

    def init(params: Any) -> optax.ScaleByAdamState:
        # Two trees: a step that donates its state cannot donate one buffer twice.
        return optax.ScaleByAdamState(
            count=jnp.zeros([], jnp.int32),
            mu=optax.tree.zeros_like(params),
            nu=optax.tree.zeros_like(params),
        )

    def update(
        updates: Any, state: Any, params: Any = None
    ) -> tuple[Any, optax.ScaleByAdamState]:
        first = _moved(state.mu, updates, betas[0])
        second = _moved(state.nu, jax.tree.map(jnp.square, updates), betas[1])
        updates = jax.tree.map(lambda m, v: m / (jnp.sqrt(v) + epsilon), first, second)
        count = optax.safe_increment(state.count)
        return updates, optax.ScaleByAdamState(count=count, mu=first, nu=second)

    return optax.GradientTransformation(init, update)


def _moved(moment: Any, towards: Any, beta: float) -> Any:
    return jax.tree.map(lambda m, g: beta * m + (1 - beta) * g, moment, towards)


def _times_rate(learning_rate: Any) -> optax.GradientTransformation:
    known = isinstance(learning_rate, float | int)
    if known and not math.isfinite(learning_rate):
        raise ValueError(f"learning_rate must be finite, but is {learning_rate!r}.")
    return optax.scale_by_learning_rate(learning_rate)


def _widen(array: jax.Array) -> jax.Array:
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))
