"""Who is measured: its worker, its environment, its options."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from albert.common.config import AlbertConfig
from benchmarks.environments import OWN, python_of
from benchmarks.worker import Worker

WORKERS = Path(__file__).with_name("workers")
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Contender:
    """How one contender is started.

    Args:
        script: of the worker, in `benchmarks/workers`.
        environment: whose Python runs it; `own` is the harness's.
        options: of the worker.
        variables: of its process.
    """

    script: str
    environment: str = OWN
    options: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TOKENIZERS_PARALLELISM": "true"}
_ALBERT = {**_QUIET, "PYTHONPATH": str(ROOT)}
_BFLOAT16 = {"dtype": "bfloat16"}

TABLE = {
    "albert-pt": Contender("albert_pt.py", variables=_ALBERT),
    "albert-pt-bf16": Contender("albert_pt.py", OWN, _BFLOAT16, _ALBERT),
    "albert-pt-int8": Contender("albert_pt.py", OWN, {"int8": True}, _ALBERT),
    "albert-tf": Contender("albert_tf.py", variables=_ALBERT),
    "albert-flax": Contender(
        "albert_flax.py",
        # Others use the same GPU.
        variables={**_ALBERT, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
    ),
    "albert-pt-compiled": Contender("albert_pt.py", OWN, {"compile": True}, _ALBERT),
    "albert-pt-graphs": Contender("albert_pt.py", OWN, {"graphs": True}, _ALBERT),
    "transformers-pt": Contender(
        "transformers_pt.py", "transformers-5", variables=_QUIET
    ),
    "transformers-pt-bf16": Contender(
        "transformers_pt.py", "transformers-5", _BFLOAT16, _QUIET
    ),
    "onnxruntime": Contender(
        "onnx_of_transformers.py", "transformers-5", variables=_QUIET
    ),
    "transformers-tf": Contender(
        "transformers_tf.py",
        "transformers-4-tf",
        variables={**_QUIET, "TF_USE_LEGACY_KERAS": "1"},
    ),
    "transformers-flax": Contender(
        "transformers_flax.py", "transformers-4-flax", variables=_QUIET
    ),
    "keras-hub-tf": Contender(
        "keras_hub_any.py",
        "keras-hub",
        variables={**_QUIET, "KERAS_BACKEND": "tensorflow"},
    ),
    "keras-hub-jax": Contender(
        "keras_hub_any.py", "keras-hub", variables={**_QUIET, "KERAS_BACKEND": "jax"}
    ),
    "matrix": Contender("matrix_peak.py"),
}
"""The contenders, by the names that tables and results use."""

PEERS_SETTINGS = (
    "vocab_size",
    "embedding_size",
    "hidden_size",
    "num_hidden_layers",
    "num_hidden_groups",
    "num_attention_heads",
    "intermediate_size",
    "inner_group_num",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "max_position_embeddings",
    "type_vocab_size",
)


def settings(preset: str, **overrides: Any) -> dict[str, Any]:
    """Give a configuration as all contenders take it.

    Args:
        preset: name of a published model.
        **overrides: fields that differ.

    Returns:
        Keyword arguments of ours, transformers' and, by other names, KerasHub's.
    """
    config = AlbertConfig.preset(preset).to_dict()
    return {name: config[name] for name in PEERS_SETTINGS} | overrides


def start(name: str, folder: Path, config: Mapping[str, Any], **options: Any) -> Worker:
    """Start a contender; it makes its models meanwhile.

    Args:
        name: in the table.
        folder: that holds the environments.
        config: see `settings`.
        **options: further options of the worker.

    Returns:
        The worker.
    """
    one = TABLE[name]
    given = {
        "name": name,
        "config": dict(config),
        "cache": str(folder.absolute() / "onnx"),
        **one.options,
        **options,
    }
    command = [str(python_of(folder, one.environment)), str(WORKERS / one.script)]
    return Worker(name, [*command, json.dumps(given)], one.variables)


@contextmanager
def started(
    names: Iterable[str], folder: Path, config: Mapping[str, Any], **options: Any
) -> Iterator[dict[str, Worker]]:
    """Start several at once, wait for all, and end them afterwards.

    Args:
        names: of contenders; each is started once.
        folder: that holds the environments.
        config: see `settings`.
        **options: further options of all workers.

    Yields:
        The workers by name.
    """
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(start(name, folder, config, **options))
            for name in dict.fromkeys(names)
        }
        for worker in workers.values():
            worker.ready()
        yield workers
