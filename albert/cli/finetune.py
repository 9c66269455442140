"""`albert finetune`: a task learned from examples, in any of the frameworks."""

from __future__ import annotations

import argparse
from typing import Any

from albert.cli.arguments import UsageError, not_empty, positive
from albert.cli.training import config_named, number
from albert.common.tasks import backend
from albert.common.training.freezing import CHOICES
from albert.common.training.rules import NAMES, OptimizerSettings
from albert.common.training.settings import PRECISIONS
from albert.common.tuning.kind import PROBLEMS, TaskSettings
from albert.common.tuning.recipe import Recipe
from albert.common.tuning.registry import TASKS
from albert.common.tuning.sources import FORMS

_WIDTH = 22
_RECIPE = Recipe()
_TASK = TaskSettings()


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "finetune",
        help="train a pretrained model on a task",
        description="Train a model on examples of a task, and keep the checkpoint that "
        "is best on others. A run that was stopped is gone on with by the same "
        "command, from its last checkpoint.",
        epilog="example: albert finetune --task text-classification --model "
        "albert-base-v2 --train train.jsonl --eval dev.jsonl --output run",
    )
    _add_run(parser)
    _add_data(parser)
    _add_recipe(parser)
    parser.set_defaults(run=run)


def _add_run(parser: Any) -> None:
    parser.add_argument("--task", required=True, choices=TASKS)
    parser.add_argument(
        "--framework", choices=tuple(backend.PREFIXES), help="default: the first there"
    )
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument(
        "--model", metavar="SRC", type=not_empty, help="a checkpoint to start from"
    )
    start.add_argument(
        "--config",
        metavar="NAME",
        type=not_empty,
        help="of a random model, for a baseline: a preset, a config.json or its folder",
    )
    parser.add_argument(
        "--tokenizer",
        metavar="NAME",
        type=not_empty,
        help="default: that of --model",
    )
    parser.add_argument(
        "--output",
        required=True,
        metavar="DIR",
        type=not_empty,
        help="the run's folder, new, or that of the same run",
    )
    parser.add_argument(
        "--predict",
        metavar="FILE",
        type=not_empty,
        help="write the best model's answers to --test, or else to --eval, as JSON "
        "lines",
    )


def _add_data(parser: Any) -> None:
    for name, required, what in (
        ("--train", True, "a file, a folder of `datasets`, or a dataset of the hub"),
        ("--eval", False, "the same, to choose the best checkpoint by"),
        ("--test", False, "the same, to score the best checkpoint on at the end"),
    ):
        parser.add_argument(
            name, required=required, metavar="SRC", type=not_empty, help=what
        )
    parser.add_argument(
        "--input-format", choices=FORMS, help="default: what the file's ending says"
    )
    parser.add_argument("--subset", metavar="NAME", help="of a dataset of the hub")
    for name, default in (("train", "train"), ("eval", "validation"), ("test", "test")):
        parser.add_argument(
            f"--{name}-split",
            metavar="NAME",
            default=default,
            help=f"of a dataset given as --{name} (default: %(default)s)",
        )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="ROLE=NAME",
        help="name of a column, such as text=review, or tags=3 in columns of words; "
        "docs/training.md has the roles of each task",
    )
    parser.add_argument(
        "--problem",
        choices=PROBLEMS,
        default=_TASK.problem,
        help="of text-classification (default: %(default)s)",
    )
    parser.add_argument(
        "--new-labels",
        action="store_true",
        help="take labels from the training data, though the model names its own",
    )
    parser.add_argument(
        "--max-length",
        type=positive,
        metavar="N",
        help="tokens of a row (default: what the model reads; 384 for questions)",
    )
    parser.add_argument(
        "--stride",
        type=int,
        metavar="N",
        help="tokens that windows of a context share (default: 128)",
    )
    number(
        parser,
        "--mask-probability",
        float,
        _TASK.mask_probability,
        "part of the tokens that fill-mask masks",
    )


def _add_recipe(parser: Any) -> None:
    rules = _RECIPE.optimizer
    number(parser, "--epochs", float, _RECIPE.epochs, "times each row is seen")
    parser.add_argument(
        "--steps", type=positive, metavar="N", help="instead of --epochs"
    )
    number(parser, "--batch-size", positive, _RECIPE.batch_size, "rows of a step")
    number(
        parser,
        "--accumulation",
        positive,
        _RECIPE.accumulation,
        "parts that a step's rows are cut into, to save memory",
    )
    parser.add_argument(
        "--learning-rate",
        type=float,
        metavar="N",
        help="at the schedule's top (default: by size, 5e-6 for xxlarge to 2e-5 for "
        "base)",
    )
    number(parser, "--warmup", float, _RECIPE.warmup, "part of the steps")
    parser.add_argument(
        "--optimizer", choices=NAMES, default=rules.name, help="default: %(default)s"
    )
    number(
        parser, "--weight-decay", float, rules.weight_decay, "of tables and matrices"
    )
    number(parser, "--max-grad-norm", float, rules.max_grad_norm, "of all gradients")
    parser.add_argument(
        "--freeze",
        choices=CHOICES,
        help="leave the embeddings as they are, or these and the layers, which are "
        "shared and so cannot be frozen one by one",
    )
    parser.add_argument(
        "--patience",
        type=int,
        default=0,
        metavar="N",
        help="end after so many evaluations without a better one (default: never)",
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=_RECIPE.precision,
        help="of the arithmetic; weights stay float32 (default: %(default)s)",
    )
    parser.add_argument(
        "--recompute",
        action="store_true",
        help="compute layers again in the backward pass: less memory, more time",
    )
    number(parser, "--seed", int, _RECIPE.seed, "of new weights, order, masks, dropout")
    for name, what in (
        ("--eval-every", "two evaluations"),
        ("--save-every", "two checkpoints"),
    ):
        parser.add_argument(
            name,
            type=positive,
            metavar="N",
            help=f"steps between {what} (default: an epoch)",
        )
    number(parser, "--keep", positive, _RECIPE.keep, "checkpoints that stay")
    number(parser, "--log-every", positive, _RECIPE.log_every, "steps of a log line")


def run(chosen: argparse.Namespace) -> int:
    """Train and print the best figures.

    Args:
        chosen: the command's arguments, as parsed.

    Returns:
        0.

    Raises:
        ImportError: a library is not installed.
        OSError: something cannot be read or written.
        UsageError: the tokenizer is not known, or a column is not ROLE=NAME.
        ValueError: data, model and settings do not go together, the folder holds
            another run, or the gradients are not finite.
    """
    from albert.common.auto import AutoTokenizer
    from albert.common.data.sources import Reading
    from albert.common.tuning.finetuning import Inputs, finetune

    recipe, settings = _recipe(chosen), _settings(chosen)
    framework = backend.choose(chosen.framework)
    named = chosen.tokenizer or chosen.model
    if named is None:
        raise UsageError("--config needs --tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(named)
    inputs = Inputs(
        chosen.train,
        chosen.eval,
        chosen.test,
        Reading(
            input_format=chosen.input_format,
            split=chosen.train_split,
            subset=chosen.subset,
        ),
        chosen.eval_split,
        chosen.test_split,
    )
    done = finetune(
        framework,
        chosen.task,
        chosen.model or config_named(chosen.config, len(tokenizer)),
        tokenizer,
        inputs,
        chosen.output,
        recipe,
        settings,
        chosen.patience,
        chosen.predict,
    )
    if done.new:
        print(f"{'new, not pretrained':{_WIDTH}}{', '.join(done.new)}")
    for name, figure in done.figures.items():
        print(f"{name.replace('_', ' '):{_WIDTH}}{figure:.6g}")
    for name, figure in done.test.items():
        print(f"{'test ' + name.replace('_', ' '):{_WIDTH}}{figure:.6g}")
    print(f"{'wrote':{_WIDTH}}{done.model}")
    return 0


def _recipe(chosen: argparse.Namespace) -> Recipe:
    optimizer = OptimizerSettings(
        chosen.optimizer,
        weight_decay=chosen.weight_decay,
        max_grad_norm=chosen.max_grad_norm,
    )
    names = set(Recipe.__dataclass_fields__) - {"optimizer"}
    given = {name: getattr(chosen, name) for name in names}
    return Recipe(optimizer=optimizer, **given)


def _settings(chosen: argparse.Namespace) -> TaskSettings:
    columns: dict[str, str] = {}
    for pair in chosen.column:
        role, equals, name = pair.partition("=")
        if not (role and equals and name):
            raise UsageError(
                f"--column must be ROLE=NAME, such as text=review, but is {pair!r}"
            )
        columns[role] = name
    names = set(TaskSettings.__dataclass_fields__) - {"columns"}
    return TaskSettings(columns, **{name: getattr(chosen, name) for name in names})
