"""A pre-training run: masked words and sentence order, from prepared shards."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from albert.common.config import AlbertConfig
from albert.common.data.reading import HeldOutData, PretrainingData
from albert.common.saving import save_arrays
from albert.common.tasks import backend
from albert.common.training.engines import (
    EngineSettings,
    check_batch,
    leader_first,
    make_engine,
    telling_of_the_lost,
)
from albert.common.training.initial import initial_weights
from albert.common.training.loop import Loop
from albert.common.training.objectives import pretraining
from albert.common.training.reporting import Reporter
from albert.common.training.run_folder import RunFolder
from albert.common.training.settings import TrainingSettings

CLASS = "AlbertForPreTraining"
MODEL_FOLDER = "model"
_START_FOLDER = "start"


def pretrain(
    framework: str,
    start: AlbertConfig | str | os.PathLike[str],
    tokenizer: Any,
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    settings: TrainingSettings,
    held_out: str | os.PathLike[str] | None = None,
    quiet: bool | None = None,
    engine_settings: EngineSettings | None = None,
) -> dict[str, float]:
    """Pre-train a model, or go on with a run that was stopped.

    The same arguments again go on from the last checkpoint, and give the numbers that
    an uninterrupted run would have given.

    Args:
        framework: "pt", "tf" or "flax".
        start: a configuration, for a new model, which is the same in all frameworks;
            or a checkpoint to train on.
        tokenizer: with which the data were prepared; it is saved with the model.
        data: folder that `albert prepare` has written.
        output: folder of the run; docs/training.md lists its files.
        settings: of the run.
        held_out: such a folder to evaluate on; None for no evaluation.
        quiet: whether to show no progress bar; None if the output is no terminal.
        engine_settings: how the run is spread over devices and processes;
            docs/scaling.md has the commands. None for one device, or what `torchrun`
            has started.

    Returns:
        The last figures, by name; none in a process that does not write.

    Raises:
        ImportError: a library is not installed.
        OSError: something cannot be read or written; the last checkpoint stays.
        ValueError: data, model and settings do not go together, the folder holds
            another run, or the gradients are not finite.
        RuntimeError: another process of the run is gone; the last checkpoint stays.
    """
    engine = make_engine(framework, engine_settings or EngineSettings())
    with telling_of_the_lost(engine):
        given = (start, tokenizer, data, output, settings, held_out, quiet)
        figures = _run(framework, engine, *given)
        engine.close()
    return {} if engine.rank else figures


def _run(
    framework: str,
    engine: Any,
    start: AlbertConfig | str | os.PathLike[str],
    tokenizer: Any,
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    settings: TrainingSettings,
    held_out: str | os.PathLike[str] | None,
    quiet: bool | None,
) -> dict[str, float]:
    check_batch(settings.batch_size, settings.accumulation, engine.slices)
    new = isinstance(start, AlbertConfig)
    config = start if isinstance(start, AlbertConfig) else _config_of(start)
    fitting: dict[str, Any] = {
        "vocab_size": config.vocab_size,
        "max_position_embeddings": config.max_position_embeddings,
        "tokenizer": tokenizer,
    }
    size = settings.batch_size
    read = PretrainingData(data, batch_size=size, seed=settings.seed, **fitting)
    seen = None
    if held_out is not None:
        seen = HeldOutData(held_out, batch_size=size, **fitting).part(*engine.part)
    facts: dict[str, Any] = {
        "framework": framework,
        "start": config.to_dict() if new else str(start),
        "data": _digest(read.info.run),
    }
    writes = engine.rank == 0
    with leader_first(engine):
        folder = RunFolder(output, settings, facts, writes)
        source = _new_model(config, folder, settings) if new else start
    objective = pretraining(settings.sop_weight)
    trainer = make_trainer(framework, CLASS, source, settings, objective, engine)
    write_model = model_writer(trainer, tokenizer)
    loop = Loop(
        trainer,
        read.part(*engine.part),
        objective,
        settings,
        folder,
        Reporter(folder.path, settings.steps, quiet, writes),
        write_model,
        seen,
        engine=engine,
    )
    figures = loop.run()
    write_model(folder.path / MODEL_FOLDER if writes else None)
    return figures


def make_trainer(
    framework: str,
    class_name: str,
    source: Any,
    settings: TrainingSettings,
    objective: Any,
    engine: Any = None,
) -> Any:
    """Load a model of a framework and make it ready to be trained.

    Args:
        framework: "pt", "tf" or "flax".
        class_name: PyTorch's name of the class.
        source: a checkpoint.
        settings: of the run.
        objective: what is minimised.
        engine: of the same framework; None for one device.

    Returns:
        Its trainer.
    """
    model_class = backend.model_class(framework, class_name)
    module = importlib.import_module(f"albert.{framework}.training")
    return module.make_trainer(model_class, source, settings, objective, engine)


def model_writer(trainer: Any, tokenizer: Any) -> Callable[[Path | None], None]:
    """Give what writes a model that is trained.

    Args:
        trainer: of the model.
        tokenizer: is saved with it.

    Returns:
        A function of a folder; of None in a process that does not write.
    """

    def write_model(target: Path | None) -> None:
        trainer.save_model(target)
        if target is not None:
            tokenizer.save_pretrained(target)

    return write_model


def _config_of(source: str | os.PathLike[str]) -> AlbertConfig:
    from albert.common.opening import open_checkpoint

    return open_checkpoint(source).config


def _new_model(
    config: AlbertConfig, folder: RunFolder, settings: TrainingSettings
) -> Path:
    """Write the checkpoint that a new model starts from, the same every time."""
    target = folder.path / _START_FOLDER
    if not folder.writes:
        return target
    weights = initial_weights(config, CLASS, settings.seed, settings.initial)
    save_arrays(target, config, weights, CLASS)
    return target


def _digest(facts: Any) -> str:
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
