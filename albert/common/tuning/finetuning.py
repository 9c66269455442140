"""A fine-tuning run: a task's examples, a model, and the loop of pre-training."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from albert.common.card import model_card
from albert.common.config import AlbertConfig
from albert.common.data.sources import Reading
from albert.common.files import write_text
from albert.common.hub import can_be_repository
from albert.common.names import BACKBONE
from albert.common.publishing import CARD_NAME
from albert.common.tasks import backend
from albert.common.training.loop import Loop
from albert.common.training.objectives import task
from albert.common.training.pretraining import MODEL_FOLDER, make_trainer, model_writer
from albert.common.training.reporting import Reporter
from albert.common.training.run_folder import RunFolder
from albert.common.training.settings import TrainingSettings
from albert.common.tuning import metrics
from albert.common.tuning.batches import TaskData
from albert.common.tuning.judge import Answers, Judge, tell_of_collapse
from albert.common.tuning.kind import Example, Kind, TaskSettings, read_examples
from albert.common.tuning.recipe import Recipe
from albert.common.tuning.registry import kind_of
from albert.common.tuning.sources import identity_of, read_records
from albert.common.tuning.starting import config_of, write_start

_START_FOLDER = "start"
_SOME = 64
"""Examples that show a collapse, where there are no others than those to learn."""
_NOT_PRETRAINED = (
    "NOT PRETRAINED: the encoder started from random weights, as a baseline does."
)


@dataclass(frozen=True)
class Inputs:
    """What is learned from, and what is evaluated on.

    Fields:
        train: a file, a folder that `datasets` has saved, or the name of a dataset.
        held_out: likewise, to choose the best checkpoint by; None for no evaluation.
        test: likewise, to score the best one on at the end; None for none.
        reading: how the first is read.
        held_out_split: of a dataset, the others'.
        test_split: likewise.
    """

    train: str
    held_out: str | None = None
    test: str | None = None
    reading: Reading = field(default_factory=Reading)
    held_out_split: str = "validation"
    test_split: str = "test"

    def named(self) -> dict[str, tuple[str, Reading]]:
        """Give those that are there, with how they are read."""
        changed = {
            "train": (self.train, self.reading.split),
            "held_out": (self.held_out, self.held_out_split),
            "test": (self.test, self.test_split),
        }
        how = asdict(self.reading)
        return {
            name: (given, Reading(**{**how, "split": split}))
            for name, (given, split) in changed.items()
            if given is not None
        }


@dataclass(frozen=True)
class Done:
    """What a run gave.

    Fields:
        figures: of the best evaluation, or of the last training steps.
        test: of the test data; empty if there are none.
        new: the model's parts that did not come from a checkpoint.
        model: folder of the best model.
    """

    figures: Mapping[str, float]
    test: Mapping[str, float]
    new: Sequence[str]
    model: Path


def finetune(
    framework: str,
    task_name: str,
    start: AlbertConfig | str | os.PathLike[str],
    tokenizer: Any,
    inputs: Inputs,
    output: str | os.PathLike[str],
    recipe: Recipe | None = None,
    settings: TaskSettings | None = None,
    patience: int = 0,
    predict: str | os.PathLike[str] | None = None,
    quiet: bool | None = None,
) -> Done:
    """Fine-tune a model on a task, or go on with a run that was stopped.

    Args:
        framework: "pt", "tf" or "flax".
        task_name: one of `albert.common.tuning.registry.TASKS`.
        start: a checkpoint; or a configuration, for random weights, with a warning.
        tokenizer: of the model.
        inputs: the data.
        output: folder of the run; docs/training.md lists its files.
        recipe: how long and how fast.
        settings: how the data are read.
        patience: evaluations without a better one after which the run ends; 0: never.
        predict: file for the best model's answers, as JSON lines, to the test data, or
            else the held-out data.
        quiet: whether to show no progress bar; None if the output is no terminal.

    Returns:
        The figures.

    Raises:
        ImportError: a library is not installed.
        OSError: something cannot be read or written; the last checkpoint stays.
        ValueError: data, model and settings do not go together, the folder holds
            another run, or the gradients are not finite.

    Warns:
        UserWarning: the encoder is random, or the model collapsed.
    """
    recipe, settings = recipe or Recipe(), settings or TaskSettings()
    _check(inputs, patience, predict)
    metrics.check_installed()
    kind_class = kind_of(task_name)
    examples = _read(kind_class, inputs, settings)
    old = config_of(start)
    changes = kind_class.changes(examples["train"], old, settings)
    config = AlbertConfig.from_dict(old.to_dict(), **changes)
    kind = kind_class(tokenizer, config, settings)
    data = TaskData(kind, examples["train"], recipe.batch_size, recipe.seed)
    training = recipe.settings(len(data.features), config)
    facts = {
        "framework": framework,
        "task": task_name,
        "start": old.to_dict() if isinstance(start, AlbertConfig) else str(start),
        "data": {name: identity_of(*given) for name, given in inputs.named().items()},
        "task_settings": asdict(settings),
        "patience": patience,
    }
    folder = RunFolder(output, training, json.loads(json.dumps(facts)))
    class_name = kind.task.model_class
    source = folder.path / _START_FOLDER
    new = write_start(start, config, class_name, recipe.seed, source)
    objective = task(kind.counted)
    trainer = make_trainer(framework, class_name, source, training, objective)
    write_model = model_writer(trainer, tokenizer)
    runner = backend.make_runner(trainer.model)
    answers = {
        name: Answers(kind, held, runner, recipe.batch_size)
        for name, held in _asked(examples).items()
    }
    held, rate = answers.get("held_out"), training.learning_rate
    judge = held and Judge(held, kind.main, patience, rate, folder, write_model)
    reporter = Reporter(folder.path, training.steps, quiet)
    parts = (trainer, data, objective, training, folder, reporter, write_model)
    loop = Loop(*parts, judge=judge)
    figures = _train(loop, judge)
    model = folder.path / MODEL_FOLDER
    write_model(model)
    test = _at_the_end(answers, int(figures["step"]), rate, predict)
    done = Done(figures, test, new, model)
    told = _facts(framework, start, training, len(data.features), figures)
    size = trainer.model.num_parameters()
    card = _card(kind, inputs, folder.path.name, told, size, done)
    write_text(model / CARD_NAME, card)
    return done


def _check(inputs: Inputs, patience: int, predict: Any) -> None:
    processes = os.environ.get("WORLD_SIZE", "1")
    if processes != "1":
        raise ValueError(
            f"Fine-tuning runs in one process, but WORLD_SIZE is {processes}: start it "
            f"without torchrun."
        )
    if patience < 0:
        raise ValueError(f"patience must be 0 or more, but is {patience}.")
    if patience and inputs.held_out is None:
        raise ValueError("patience needs held-out data to evaluate on.")
    if predict is not None and inputs.held_out is None and inputs.test is None:
        raise ValueError("predict needs held-out or test data to answer.")
    if predict is not None and not Path(predict).expanduser().parent.is_dir():
        raise ValueError(
            f"predict must be a file in a folder that is there, but is {predict!r}."
        )


def _read(
    kind: type[Kind], inputs: Inputs, settings: TaskSettings
) -> dict[str, list[Example]]:
    return {
        name: read_examples(kind, given, read_records(given, how), settings.columns)
        for name, (given, how) in inputs.named().items()
    }


def _train(loop: Loop, judge: Judge | None) -> dict[str, float]:
    """Train, and take over the best model; give its figures."""
    figures = loop.run()
    if judge is None:
        return figures
    lines = loop.folder.lines()
    loop.trainer.load_model(judge.kept(lines))
    return dict(judge.best(lines) or {})


def _asked(examples: Mapping[str, list[Example]]) -> dict[str, list[Example]]:
    """Give what a model is asked, by name; "train" only if there is nothing else."""
    asked = {name: examples[name] for name in ("test", "held_out") if name in examples}
    some = examples["train"][:: -(-len(examples["train"]) // _SOME)]
    return asked or {"train": some}


def _at_the_end(
    answers: Mapping[str, Answers],
    step: int,
    rate: float,
    predict: str | os.PathLike[str] | None,
) -> dict[str, float]:
    """Ask the best model; give the figures of the test data."""
    name = next(iter(answers))
    if name == "held_out" and predict is None:
        return {}
    scored = answers[name].score()
    if name != "held_out":
        tell_of_collapse(scored, step, rate)
    if predict is not None:
        _write_lines(predict, scored.predictions)
    return scored.figures if name == "test" else {}


def _write_lines(
    file: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_text(Path(file).expanduser(), text)


def _card(
    kind: Kind,
    inputs: Inputs,
    name: str,
    facts: Mapping[str, object],
    parameters: int,
    done: Done,
) -> str:
    evaluation = {
        title: found
        for title, found in (
            (_title(inputs.held_out), _evaluated(done.figures)),
            (_title(inputs.test), dict(done.test)),
        )
        if found
    }
    random = BACKBONE in done.new
    return model_card(
        kind.config,
        kind.task.model_class,
        parameters,
        repo_id=name if can_be_repository(name) else "albert-finetuned",
        training_data=[f"{_title(inputs.train)}, for {kind.name}"],
        training=facts,
        evaluation=evaluation,
        notice=_NOT_PRETRAINED if random else None,
    )


def _facts(
    framework: str,
    start: AlbertConfig | str | os.PathLike[str],
    training: TrainingSettings,
    rows: int,
    figures: Mapping[str, float],
) -> dict[str, object]:
    """Give what the card says of the training, by name."""
    random = isinstance(start, AlbertConfig)
    return {
        "framework": framework,
        "start": "random weights" if random else _title(os.fspath(start)),
        "rows": f"{rows:,}",
        "steps": f"{training.steps:,}",
        "best step": f"{figures['step']:,}",
        "batch size": training.batch_size,
        "learning rate": f"{training.learning_rate:g}",
        "warm-up steps": training.warmup_steps,
        "optimizer": training.optimizer.name,
        "weight decay": f"{training.optimizer.weight_decay:g}",
        "frozen": training.freeze or "nothing",
        "precision": training.precision,
        "seed": training.seed,
    }


def _title(given: str | None) -> str:
    if given is None:
        return ""
    path = Path(given).expanduser()
    return f"{path.parent.name}/{path.name}".lstrip("/") if path.exists() else given


def _evaluated(figures: Mapping[str, float]) -> dict[str, float]:
    return {
        name.removeprefix("eval_"): value
        for name, value in figures.items()
        if name.startswith("eval_")
    }
