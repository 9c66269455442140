"""The weights that fine-tuning starts from: the same in all frameworks."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.loading import load_arrays
from albert.common.opening import open_checkpoint
from albert.common.saving import save_arrays
from albert.common.training.initial import initial_weights

_HEADS_WITH_LABELS = ("classifier",)


def config_of(start: AlbertConfig | str | os.PathLike[str]) -> AlbertConfig:
    """Give the configuration of what training starts from.

    Args:
        start: a configuration, or a checkpoint.

    Returns:
        It.

    Raises:
        OSError: there is no such checkpoint.
    """
    return start if isinstance(start, AlbertConfig) else open_checkpoint(start).config


def write_start(
    start: AlbertConfig | str | os.PathLike[str],
    config: AlbertConfig,
    class_name: str,
    seed: int,
    folder: Path,
) -> list[str]:
    """Write the checkpoint that training starts from.

    What a checkpoint lacks is made in NumPy, so that all frameworks start alike.

    Args:
        start: a configuration, of which all weights are made; or a checkpoint.
        config: of the model, with its labels.
        class_name: PyTorch's name of the class.
        seed: of what is made.
        folder: to write to.

    Returns:
        The model's parts that are new, such as "classifier".

    Raises:
        OSError: something cannot be read or written.
        ValueError: the checkpoint lacks a part of the encoder, or does not fit.

    Warns:
        UserWarning: all weights are new.
    """
    made = initial_weights(config, class_name, seed)
    rows = names.weights(config, class_name)
    if isinstance(start, AlbertConfig):
        warnings.warn(
            "THE ENCODER IS RANDOM: the model starts from a configuration, without "
            "pretrained weights. ALBERT is made to be fine-tuned from pretrained "
            "weights; give a checkpoint with --model, unless this is a baseline.",
            stacklevel=3,
        )
        save_arrays(folder, config, made, class_name)
        return list(names.PARTS[class_name])
    checkpoint = open_checkpoint(start)
    old = checkpoint.config
    with warnings.catch_warnings():
        # The run says itself which parts are new.
        warnings.simplefilter("ignore")
        held, _ = load_arrays(checkpoint, config, rows, True)
    other_labels = old.id2label != config.id2label
    arrays: dict[str, np.ndarray] = {}
    new: dict[str, None] = {}
    for row in rows:
        # A head for other labels is of no use, even if it is of the same size.
        stale = other_labels and row.part in _HEADS_WITH_LABELS
        if row.canonical in held and not stale:
            arrays[row.canonical] = held[row.canonical].read().astype(np.float32)
        else:
            arrays[row.canonical] = made[row.canonical]
            new[row.part] = None
    save_arrays(folder, config, arrays, class_name)
    return list(new)
