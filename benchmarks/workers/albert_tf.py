"""This package in TensorFlow, by its ordinary calls."""

from __future__ import annotations

from typing import Any

from protocol import Calls, on_texts, serve, token_inputs


def make(options: dict[str, Any]) -> Calls:
    """Make the calls.

    Args:
        options: `config`; `checkpoint`, a folder for `pipeline`.

    Returns:
        `forward`, or `pipeline`.
    """
    import tensorflow as tf

    import albert

    if "checkpoint" in options:
        asked = albert.pipeline(
            "text-classification", options["checkpoint"], framework="tf", batch_size=32
        )
        return {"pipeline": on_texts(asked)}
    config = albert.AlbertConfig(**options["config"])
    model = albert.TFAlbertModel(config)

    def forward(request: dict[str, Any]) -> Any:
        made = token_inputs(request, config.vocab_size)
        inputs = {name: tf.constant(rows, tf.int32) for name, rows in made.items()}
        return lambda: model(**inputs).last_hidden_state.numpy()

    return {"forward": forward}


if __name__ == "__main__":
    serve(make, ("albert-models", "tensorflow", "keras", "numpy"))
