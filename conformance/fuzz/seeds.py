"""Whole checkpoints of every form, which the mutations start from."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from albert.common import names
from albert.common.config import CONFIG_FILES, AlbertConfig
from albert.common.dialects import DIALECTS
from conformance.cases import SIZES, random_weights
from conformance.fuzz import bundle
from conformance.written import FOLDER

_CLASS = "AlbertForPreTraining"
_KERAS_CLASS = "AlbertForSequenceClassification"
_LARGEST = 130_000
_BESIDE = ("golden.npz", "metadata.json", "preprocessor.json", "tokenizer.json")


class Seed(NamedTuple):
    """A checkpoint that can be opened.

    Fields:
        reader: what it is of, a key of `READERS`.
        name: where it is from.
        files: path in the folder -> content.
        targets: the files that hold the weights or say where they are.
    """

    reader: str
    name: str
    files: dict[str, bytes]
    targets: tuple[str, ...]

    @property
    def settings(self) -> tuple[str, ...]:
        """The files that hold the configuration."""
        return tuple(name for name in CONFIG_FILES if name in self.files)


READERS = (
    *("safetensors", "safetensors-sharded", "bin", "bin-old", "bin-sharded"),
    *("h5", "h5-sharded", "msgpack", "msgpack-sharded"),
    *("keras-hub", "keras-hub-sharded", "keras", "weights-h5"),
    *("google", "saved-model", "config"),
)
"""What is fuzzed; each gets as many inputs."""


@cache
def all_seeds() -> dict[str, list[Seed]]:
    """Give the seeds of every reader."""
    found: dict[str, list[Seed]] = {reader: [] for reader in READERS}
    for seed in (*_written(), _keras(), _weights_h5(), _google(), _saved_model()):
        found[seed.reader].append(seed)
    small = [found[reader][0] for reader in ("safetensors", "google", "keras-hub")]
    small += [seed for seed in found["keras-hub"] if "task.json" in seed.files]
    found["config"] = [
        seed._replace(reader="config", targets=seed.settings) for seed in small
    ]
    return found


def _written() -> Iterator[Seed]:
    """Give the checkpoints that other tools wrote, without what is beside them."""
    for folder in sorted(FOLDER.glob("*/*/")):
        files = {
            path.name: path.read_bytes()
            for path in sorted(folder.iterdir())
            if path.is_file() and path.name not in _BESIDE
        }
        targets = tuple(sorted(files.keys() - set(CONFIG_FILES)))
        label = f"{folder.parent.name}/{folder.name}"
        reader = _reader(label)
        if reader in READERS and sum(map(len, files.values())) < _LARGEST:
            yield Seed(reader, label, files, targets)


def _reader(label: str) -> str:
    tool, _, name = label.partition("/")
    if name.startswith("bin-old"):
        return "bin-old"
    form = "keras-hub" if tool.startswith("keras-hub") else name.partition("-")[0]
    return f"{form}-sharded" if name.endswith("-sharded") else form


def _spelled(
    dialect: str, class_name: str, config: AlbertConfig
) -> dict[str, np.ndarray]:
    """Make weights under the names and in the layout of a tool's files."""
    weights = random_weights(config, class_name, seed=1)
    spelled = {}
    for row in names.weights(config, class_name):
        array, kind = weights[row.canonical], DIALECTS[dialect]
        name = kind.spell(row, config, False)[0]
        spelled[name] = array.T if kind.turned(row) and array.ndim == 2 else array
    return spelled


def _h5(arrays: Mapping[str, np.ndarray], change: Callable[[Any], None]) -> bytes:
    import h5py

    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        for name, array in arrays.items():
            file[name] = array
        change(file)
    return held.getvalue()


def weights_h5(change: Callable[[Any], None] = lambda file: None) -> bytes:
    """Make the HDF5 file of a Keras 3 model.

    Args:
        change: is given the open file, to do harm in it.

    Returns:
        Its bytes.
    """
    return _h5(_spelled("keras", _KERAS_CLASS, AlbertConfig(**SIZES)), change)


def _config() -> dict[str, Any]:
    return AlbertConfig(**SIZES).to_dict()


def _config_file() -> bytes:
    return json.dumps({**_config(), "architectures": [_CLASS]}).encode()


def _keras_config() -> bytes:
    model = {"class_name": f"TF{_KERAS_CLASS}", "config": {"config": _config()}}
    return json.dumps(model).encode()


def zipped(
    members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED
) -> bytes:
    """Make a zip archive, in the order of the members."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", compression) as archive:
        for name, data in members.items():
            # Of one date, so that the archive is the same each time.
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return held.getvalue()


def _keras() -> Seed:
    members = {
        "metadata.json": b"{}",
        "config.json": _keras_config(),
        "model.weights.h5": weights_h5(),
    }
    return Seed(
        "keras", "made here", {"model.keras": zipped(members)}, ("model.keras",)
    )


def _weights_h5() -> Seed:
    files = {"albert.weights.h5": weights_h5(), "config.json": _config_file()}
    return Seed("weights-h5", "made here", files, ("albert.weights.h5",))


def _google() -> Seed:
    config = {k: v for k, v in SIZES.items() if k != "num_labels"}
    pairs, data = bundle.pairs_and_data(
        _spelled("google", _CLASS, AlbertConfig(**SIZES))
    )
    files = {
        "model.ckpt-best.index": bundle.table(pairs),
        "model.ckpt-best.data-00000-of-00001": data,
        "albert_config.json": json.dumps(config).encode(),
    }
    return Seed("google", "made here", files, tuple(files)[:2])


def graph(stored: Mapping[str, str]) -> bytes:
    """Make the graph of objects that gives variables' names by their keys."""
    attributes = b"".join(
        bundle.field(2, bundle.field(2, name.encode()) + bundle.field(3, key.encode()))
        for key, name in stored.items()
    )
    return bundle.field(1, attributes)


def _saved_model() -> Seed:
    """Make a checkpoint of objects, whose graph has the variables' names."""
    arrays = _spelled("google", _CLASS, AlbertConfig(**SIZES))
    stored = {f"v/{number:02d}": name for number, name in enumerate(arrays)}
    pairs, data = bundle.pairs_and_data({key: arrays[stored[key]] for key in stored})
    value, text = bundle.string_entry(len(data), graph(stored))
    key = b"_CHECKPOINTABLE_OBJECT_GRAPH"
    files = {
        "variables/variables.index": bundle.table(sorted([*pairs, (key, value)])),
        "variables/variables.data-00000-of-00001": data + text,
        "saved_model.pb": b"",
        "config.json": _config_file(),
    }
    return Seed("saved-model", "made here", files, tuple(files)[:2])
