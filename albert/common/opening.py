"""From a name to an open checkpoint: its configuration, its arrays, none read yet."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from albert.common import names
from albert.common.checkpoint import forms, keras_archive, shards
from albert.common.checkpoint.lazy import FLOATS, LazyArray
from albert.common.config import (
    CONFIG_FILES,
    CONFIG_NAME,
    GOOGLE_CONFIG_NAME,
    AlbertConfig,
)
from albert.common.dialects import DIALECTS, Dialect, match
from albert.common.hub import Files, Location, find_files
from albert.common.replacing import steady
from albert.common.strangers import refuse_strangers
from albert.common.texts import some

_log = logging.getLogger("albert")

# What training leaves beside the weights: slots of Google's optimizers, Keras'
# optimizer and counters, constants of older transformers.
_TRAINING = re.compile(
    r"(.*/)?(adam_m|adam_v|lamb_m|lamb_v|Adam|Adam_1|global_step)"
    r"|(task/)?optimizer/.*|.*seed_generator.*|_CHECKPOINTABLE_OBJECT_GRAPH|save_counter.*"
    r"|(albert\.)?embeddings\.(position_ids|token_type_ids)"
)
# As many are looked for at least, so that a model may lack some and be told which.
_MAX_BLOCKS = 100
_BLOCK = re.compile(r"layer_group|group_\d|transformer_encoder")
_ATTEMPTS = 5
_NO_CONFIG = (
    f"{{}} holds neither {CONFIG_NAME} nor {GOOGLE_CONFIG_NAME}. Put the file beside "
    f"the weights, or pass config=, such as AlbertConfig.preset('albert-base-v2')."
)
_MAPPING = "albert.encoder.embedding_hidden_mapping_in"


@dataclass(frozen=True)
class Checkpoint:
    """An open checkpoint.

    Attributes:
        file: the weight file, or the index of several.
        dialect: who spells the names so, a key of `DIALECTS`.
        config: the configuration beside it, or the one given.
        arrays: the weights of every head in it, by canonical name.
        unexpected: names in the file that no ALBERT has.
        ignored: names of what training leaves beside the weights.
        copies: canonical name -> names in the file and arrays, for each weight that
            is in the file more than once, as tied ones are.
    """

    file: Path
    dialect: str
    config: AlbertConfig
    arrays: Mapping[str, LazyArray]
    unexpected: tuple[str, ...]
    ignored: tuple[str, ...]
    copies: Mapping[str, Mapping[str, LazyArray]]

    @property
    def dtype(self) -> str:
        """Name of the type that holds every weight exactly."""
        return widest(array.dtype for array in self.arrays.values())

    def check_copies(self, wanted: Iterable[str]) -> None:
        """Read the weights that are in the file more than once, and compare.

        Args:
            wanted: canonical names of the weights that are to be used.

        Raises:
            ValueError: two copies of a weight are different.
        """
        for canonical in self.copies.keys() & set(wanted):
            (first, array), *others = self.copies[canonical].items()
            for name, copy in others:
                if not _same(array, copy):
                    raise ValueError(
                        f"{name} and {first} are one weight in ALBERT, but "
                        f"{str(self.file)!r} holds two different ones."
                    )


def widest(dtypes: Iterable[str]) -> str:
    """Name a type that holds the values of all these float types exactly."""
    found = {dtype for dtype in dtypes if dtype in FLOATS}
    if len(found) == 1:
        return found.pop()
    return "float64" if "float64" in found else "float32"


def open_checkpoint(
    pretrained_model_name_or_path: str | os.PathLike[str],
    config: AlbertConfig | None = None,
    location: Location | None = None,
    **overrides: Any,
) -> Checkpoint:
    """Open the weights of any ALBERT checkpoint; needs no framework.

    Args:
        pretrained_model_name_or_path: a folder, a weight file, the prefix of a
            TensorFlow checkpoint, a repository on the hub, or "albert-demo".
        config: used instead of the checkpoint's own.
        location: where in a repository.
        **overrides: fields of the configuration to set differently.

    Returns:
        The checkpoint; no array is read before it is asked for.

    Raises:
        FileNotFoundError: nothing is there, or no weights or no configuration.
        ImportError: the library for this form of file is not installed.
        TypeError: an override is no field of the configuration.
        ValueError: the files are damaged, or hold another model.
    """
    name, location = pretrained_model_name_or_path, location or Location()
    _check_arguments(name, config)
    path = weight_file(name)
    if path is not None:
        if location.subfolder:
            raise ValueError(f"subfolder goes with a folder, but {name!r} is a file.")
        _say(path, [])
        return _open(path, config, overrides)
    for attempt in range(_ATTEMPTS):
        try:
            files = find_files(name, location)
            return _open(_fetch(files, config), config, overrides)
        except FileNotFoundError:
            # A saver may have replaced the files between the listing and the opening.
            if attempt + 1 == _ATTEMPTS or not Path(name).expanduser().is_dir():
                raise
    raise AssertionError


def _check_arguments(name: Any, config: Any) -> None:
    if not isinstance(name, str | os.PathLike) or not os.fspath(cast(str, name)):
        raise ValueError(
            f"pretrained_model_name_or_path must be a path or a repository's name, but "
            f"is {name!r}."
        )
    if config is not None and not isinstance(config, AlbertConfig):
        raise TypeError(
            f"config must be an AlbertConfig, but is a {type(config).__name__}."
        )


def _open(
    path: Path, config: AlbertConfig | None, overrides: Mapping[str, Any]
) -> Checkpoint:
    with steady(path.parent):
        stored = forms.open_weights(path)
        refuse_strangers(stored, str(path))
        config = config or _with_labels(_config(path), stored, overrides)
    if overrides:
        config = config.replace(**overrides)
    return _canonical(path, stored, config)


def weight_file(name: str | os.PathLike[str]) -> Path | None:
    """Find the weight file that a path names, if it does.

    Args:
        name: perhaps a weight file, or the prefix of a TensorFlow checkpoint.

    Returns:
        The file; None if the name is none of these.
    """
    path = Path(name).expanduser()
    index = path.with_name(path.name + ".index") if path.name else path
    if path.is_file():
        return path
    return index if index.is_file() and not path.is_dir() else None


def _config(path: Path) -> AlbertConfig:
    """Read the configuration that belongs to a weight file."""
    if path.suffix == ".keras":
        return _config_of_keras(path)
    folder = path.parent
    if folder.name == "variables":
        folder = folder.parent
    try:
        return AlbertConfig.from_folder(folder)
    except FileNotFoundError:
        in_assets = folder / forms.SAVED_MODEL_CONFIG
        if in_assets.is_file():
            return AlbertConfig.from_json_file(in_assets)
        raise FileNotFoundError(_NO_CONFIG.format(repr(str(folder)))) from None


def _config_of_keras(archive: Path) -> AlbertConfig:
    values: Any = keras_archive.read_config(archive)
    for _ in range(2):
        known = isinstance(values, dict)
        values = cast("dict[str, Any]", values).get("config") if known else None
    if not isinstance(values, dict):
        raise ValueError(f"{str(archive)!r} is not of a model of this package.")
    return AlbertConfig.from_dict(cast("dict[str, Any]", values))


def _with_labels(
    config: AlbertConfig,
    stored: Mapping[str, LazyArray],
    overrides: Mapping[str, Any],
) -> AlbertConfig:
    """Take the number of labels from a classifier of the original's.

    Its configuration has none; `output_bias` is the name of the classifier's bias.
    """
    bias = stored.get("output_bias")
    if bias is None or len(bias.shape) != 1 or not bias.shape[0]:
        return config
    if overrides.keys() & {"num_labels", "id2label", "label2id"}:
        return config
    return config.replace(num_labels=bias.shape[0])


def _fetch(files: Files, config: AlbertConfig | None) -> Path:
    """Bring the preferred weights of a folder here, with their configuration."""
    found = forms.weight_files(files.names)
    if not found:
        index = forms.orphans(files.names)
        raise FileNotFoundError(
            f"{files.label} holds no {index}, the index of the shards there."
            if index
            else f"{files.label} holds no weights in a form that is known: "
            f"{', '.join(dict.fromkeys(form.file_name for form in forms.FORMS))}."
        )
    beside = [name for name in CONFIG_FILES if name in files.names]
    if config is None and beside:
        # Before the weights, which may be large: it may be another model's.
        AlbertConfig.from_folder(files.fetch(beside))
    folder = files.fetch([*beside, *forms.needed_files(files.names)])
    path = folder / found[0][1]
    if path.suffix == ".json":
        files.fetch(shards.shard_names(path))
    if path.name == forms.SAVED_MODEL:
        path = folder / forms.SAVED_MODEL_INDEX
        if not path.is_file():
            raise FileNotFoundError(
                f"{files.label} holds {forms.SAVED_MODEL}, but not the weights, "
                f"{forms.SAVED_MODEL_INDEX}. If it is a repository, download it whole "
                f"and give the folder."
            )
    _say(path, [name for _, name in found[1:]])
    return path


def _say(path: Path, others: Sequence[str]) -> None:
    if others:
        _log.warning(
            "Read %s; %s in the same folder was not read.", path, ", ".join(others)
        )
    else:
        _log.info("Read %s.", path)


def _canonical(
    path: Path, stored: Mapping[str, LazyArray], config: AlbertConfig
) -> Checkpoint:
    blocks = config.num_hidden_groups * config.inner_group_num
    if blocks > max(len(stored), _MAX_BLOCKS):
        raise ValueError(
            f"{str(path)!r} cannot hold {blocks} blocks (num_hidden_groups="
            f"{config.num_hidden_groups}, inner_group_num={config.inner_group_num}) in "
            f"its {len(stored)} arrays."
        )
    rows = names.all_weights(config)
    matched = {
        key: match(dialect, stored, config, rows) for key, dialect in DIALECTS.items()
    }
    key = max(matched, key=lambda name: len(matched[name]))
    dialect, found = DIALECTS[key], matched[key]
    if not found:
        raise ValueError(
            f"{str(path)!r} holds no weights of an ALBERT, but "
            f"{some(stored) or 'nothing'}."
        )
    arrays = {
        row.canonical: _laid_out(stored[found[row.canonical][0]], row, dialect, config)
        for row in rows
        if row.canonical in found
    }
    if dialect.no_square_mapping and config.embedding_size == config.hidden_size:
        arrays = {**_identity(config.hidden_size), **arrays}
    taken = {name for spelled in found.values() for name in spelled}
    left = [name for name in stored if name not in taken]
    ignored = tuple(name for name in left if _TRAINING.fullmatch(name))
    unexpected = tuple(name for name in left if name not in ignored)
    _check_blocks(path, unexpected, config)
    copies = {
        canonical: {name: stored[name] for name in spelled}
        for canonical, spelled in _without_unread(found, dialect).items()
        if len(spelled) > 1
    }
    return Checkpoint(path, key, config, arrays, unexpected, ignored, copies)


def _laid_out(
    array: LazyArray, row: names.Weight, dialect: Dialect, config: AlbertConfig
) -> LazyArray:
    """Give an array the layout of the canonical one."""
    turned = dialect.turned(row)
    if len(array.shape) > len(row.letters):
        # KerasHub and the Model Garden have an axis for the heads.
        needed = row.shape(config)
        array = array.reshape(needed[::-1] if turned else needed)
    return array.turn() if turned and len(array.shape) == 2 else array


def _identity(size: int) -> dict[str, LazyArray]:
    """Make the mapping of E = H, which Google's models leave out."""

    def ones(start: int, stop: int) -> np.ndarray:
        return np.eye(stop - start, size, start, dtype=np.float32)

    def zeros(start: int, stop: int) -> np.ndarray:
        return np.zeros(stop - start, np.float32)

    return {
        f"{_MAPPING}.weight": LazyArray((size, size), "float32", ones),
        f"{_MAPPING}.bias": LazyArray((size,), "float32", zeros),
    }


def _without_unread(
    found: Mapping[str, Sequence[str]], dialect: Dialect
) -> dict[str, list[str]]:
    """Leave out second names that the tool itself does not use."""
    unread = dialect.unread or "\n"
    return {
        key: [name for name in names if not name.removesuffix(":0").endswith(unread)]
        for key, names in found.items()
    }


def _same(one: LazyArray, other: LazyArray) -> bool:
    if one.shape != other.shape:
        return False
    return all(
        np.array_equal(mine, other.rows(start, stop), equal_nan=True)
        for start, stop, mine in one.blocks()
    )


def _check_blocks(path: Path, unexpected: Iterable[str], config: AlbertConfig) -> None:
    blocks = [name for name in unexpected if _BLOCK.search(name)]
    if blocks:
        raise ValueError(
            f"{str(path)!r} holds blocks that the configuration has no place for "
            f"(num_hidden_groups={config.num_hidden_groups}, inner_group_num="
            f"{config.inner_group_num}): {some(blocks)}. Leaving them out would "
            f"change every answer."
        )
