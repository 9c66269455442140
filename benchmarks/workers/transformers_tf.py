"""transformers' TensorFlow classes: called as they are, as a graph, with XLA."""

from __future__ import annotations

from typing import Any

from protocol import Calls, serve, token_inputs


def make(options: dict[str, Any]) -> Calls:
    """Make the calls.

    Args:
        options: `config`.

    Returns:
        `eager`, `graph`, `xla`.
    """
    import tensorflow as tf
    import transformers

    config = transformers.AlbertConfig(**options["config"])
    model = transformers.TFAlbertModel(config)

    def eager(inputs: dict[str, Any]) -> Any:
        out = model(inputs, training=False)
        return out.last_hidden_state, out.pooler_output

    def call(function: Any) -> Any:
        def prepare(request: dict[str, Any]) -> Any:
            made = token_inputs(request, config.vocab_size)
            inputs = {name: tf.constant(rows, tf.int32) for name, rows in made.items()}
            return lambda: function(inputs)[0].numpy()

        return prepare

    return {
        "eager": call(eager),
        "graph": call(tf.function(eager)),
        "xla": call(tf.function(eager, jit_compile=True)),
    }


if __name__ == "__main__":
    serve(make, ("transformers", "tensorflow", "tf-keras", "numpy"))
