"""transformers' Flax classes inside `jax.jit`."""

from __future__ import annotations

from typing import Any

from protocol import Calls, serve, token_inputs


def make(options: dict[str, Any]) -> Calls:
    """Make the calls.

    Args:
        options: `config`.

    Returns:
        `jit`.
    """
    import jax
    import jax.numpy as jnp
    import transformers

    config = transformers.AlbertConfig(**options["config"])
    model = transformers.FlaxAlbertModel(config)
    jitted = jax.jit(
        lambda params, inputs: model(**inputs, params=params, return_dict=False)
    )

    def jit(request: dict[str, Any]) -> Any:
        made = token_inputs(request, config.vocab_size)
        inputs = {name: jnp.array(rows, jnp.int32) for name, rows in made.items()}
        return lambda: jax.block_until_ready(jitted(model.params, inputs))

    return {"jit": jit}


if __name__ == "__main__":
    serve(make, ("transformers", "jax", "jaxlib", "flax", "numpy"))
