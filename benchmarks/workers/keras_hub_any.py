"""KerasHub's backbone, compiled, on the backend that KERAS_BACKEND names."""

from __future__ import annotations

from typing import Any

from protocol import Calls, serve, token_inputs

NAMES = {
    "token_ids": "input_ids",
    "padding_mask": "attention_mask",
    "segment_ids": "token_type_ids",
}


def make(options: dict[str, Any]) -> Calls:
    """Make the calls.

    Args:
        options: `config`.

    Returns:
        `forward`.
    """
    import keras
    import keras_hub

    config = options["config"]
    model = keras_hub.models.AlbertBackbone(
        vocabulary_size=config["vocab_size"],
        num_layers=config["num_hidden_layers"],
        num_heads=config["num_attention_heads"],
        hidden_dim=config["hidden_size"],
        intermediate_dim=config["intermediate_size"],
        embedding_dim=config["embedding_size"],
        max_sequence_length=config["max_position_embeddings"],
    )
    compiled = _by_jax if keras.backend.backend() == "jax" else _by_tensorflow
    function, tensor = compiled(model)

    def forward(request: dict[str, Any]) -> Any:
        made = token_inputs(request, config["vocab_size"])
        inputs = {name: tensor(made[theirs]) for name, theirs in NAMES.items()}
        return lambda: function(inputs)

    return {"forward": forward}


def _by_jax(model: Any) -> tuple[Any, Any]:
    import jax
    import jax.numpy as jnp

    weights = [
        [one.value for one in some]
        for some in (model.trainable_variables, model.non_trainable_variables)
    ]
    compiled = jax.jit(
        lambda weights, inputs: model.stateless_call(*weights, inputs, training=False)
    )

    def function(inputs: Any) -> Any:
        return jax.block_until_ready(compiled(weights, inputs))

    return function, lambda rows: jnp.array(rows, jnp.int32)


def _by_tensorflow(model: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    compiled = tf.function(lambda inputs: model(inputs, training=False))

    def function(inputs: Any) -> Any:
        return compiled(inputs)["sequence_output"].numpy()

    return function, lambda rows: tf.constant(rows, tf.int32)


if __name__ == "__main__":
    serve(make, ("keras-hub", "keras", "tensorflow", "jax", "numpy"))
