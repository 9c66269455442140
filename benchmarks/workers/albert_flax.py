"""This package in JAX: by its ordinary calls, and inside the user's own `jax.jit`."""

from __future__ import annotations

from typing import Any

from protocol import Calls, on_texts, serve, token_inputs


def make(options: dict[str, Any]) -> Calls:
    """Make the calls.

    Args:
        options: `config`; `dtype`; `checkpoint`, a folder for `pipeline`.

    Returns:
        `forward` and `jit`, or `pipeline`.
    """
    import jax
    import jax.numpy as jnp

    import albert

    dtype = options.get("dtype", "float32")
    if "checkpoint" in options:
        asked = albert.pipeline(
            "text-classification",
            options["checkpoint"],
            framework="flax",
            batch_size=32,
            dtype=dtype,
        )
        return {"pipeline": on_texts(asked)}
    config = albert.AlbertConfig(**options["config"])
    kind = getattr(jnp, dtype)
    model = albert.FlaxAlbertModel(config, dtype=kind, param_dtype=kind)
    jitted = jax.jit(
        lambda params, inputs: model(**inputs, params=params, return_dict=False)
    )

    def call(function: Any) -> Any:
        def prepare(request: dict[str, Any]) -> Any:
            made = token_inputs(request, config.vocab_size)
            inputs = {name: jnp.array(rows, jnp.int32) for name, rows in made.items()}
            return lambda: jax.block_until_ready(function(inputs))

        return prepare

    return {
        "forward": call(lambda inputs: model(**inputs, return_dict=False)),
        "jit": call(lambda inputs: jitted(model.params, inputs)),
    }


if __name__ == "__main__":
    serve(make, ("albert-models", "jax", "jaxlib", "flax", "numpy"))
