"""`albert pretrain`: masked words and sentence order, in any of the frameworks."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from albert.cli.arguments import UsageError, not_empty, positive
from albert.cli.training import config_named as _config
from albert.cli.training import number as _number
from albert.common.tasks import backend
from albert.common.training.engines import STRATEGIES, EngineSettings
from albert.common.training.initial import KINDS
from albert.common.training.rules import NAMES, OptimizerSettings
from albert.common.training.settings import PRECISIONS, TrainingSettings

_WIDTH = 22
_DEFAULT = TrainingSettings(steps=1)


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "pretrain",
        help="train a model on what `albert prepare` has written",
        description="Train masked words and sentence order. A run that was stopped is "
        "gone on with by the same command, from its last checkpoint, and gives the "
        "numbers that it would have given.",
        epilog="example: albert pretrain --framework pt --config albert-base-v2 "
        "--tokenizer tokenizer --data shards --output run --steps 10000",
    )
    _add_run(parser)
    _add_optimizer(parser)
    _add_writing(parser)
    _add_engine(parser)
    parser.set_defaults(run=run)


def _add_run(parser: Any) -> None:
    parser.add_argument(
        "--framework", choices=tuple(backend.PREFIXES), help="default: the first there"
    )
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument(
        "--config",
        metavar="NAME",
        type=not_empty,
        help="of a new model: a preset, such as albert-base-v2, which gets the "
        "tokenizer's vocab_size, or a config.json or its folder",
    )
    start.add_argument(
        "--model", metavar="SRC", type=not_empty, help="a checkpoint to train on"
    )
    parser.add_argument(
        "--tokenizer",
        metavar="NAME",
        type=not_empty,
        help="with which the data were prepared (default: that of --model)",
    )
    for name, what in (
        ("--data", "a folder that `albert prepare` has written"),
        ("--output", "the run's folder, new, or that of the same run"),
    ):
        parser.add_argument(
            name, required=True, metavar="DIR", type=not_empty, help=what
        )
    parser.add_argument(
        "--eval-data", metavar="DIR", type=not_empty, help="the same to evaluate on"
    )
    _number(parser, "--steps", positive, None, "optimizer steps of the whole run")
    _number(parser, "--batch-size", positive, _DEFAULT.batch_size, "rows of a step")
    _number(
        parser,
        "--accumulation",
        positive,
        _DEFAULT.accumulation,
        "parts that a step's rows are cut into, to save memory",
    )
    _number(
        parser,
        "--sop-weight",
        float,
        _DEFAULT.sop_weight,
        "of the order's loss; 0: none",
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=_DEFAULT.precision,
        help="of the arithmetic; weights stay float32 (default: %(default)s)",
    )
    parser.add_argument(
        "--recompute",
        action="store_true",
        help="compute layers again in the backward pass: less memory, more time",
    )
    parser.add_argument(
        "--initial",
        choices=KINDS,
        default=_DEFAULT.initial,
        help="weights of a new model: normal as the paper has them, or neighbours, "
        "which learn sooner where compute is little (default: %(default)s)",
    )
    _number(parser, "--seed", int, _DEFAULT.seed, "of weights, order, masks, dropout")


def _add_optimizer(parser: Any) -> None:
    rules = _DEFAULT.optimizer
    parser.add_argument(
        "--optimizer", choices=NAMES, default=rules.name, help="default: %(default)s"
    )
    for name, kind, default, what in (
        ("--learning-rate", float, _DEFAULT.learning_rate, "at the schedule's top"),
        ("--warmup-steps", int, _DEFAULT.warmup_steps, "of linear growth"),
        ("--power", float, _DEFAULT.power, "of the polynomial decay to 0"),
        ("--weight-decay", float, rules.weight_decay, "of tables and matrices"),
        (
            "--max-grad-norm",
            float,
            rules.max_grad_norm,
            "that gradients are clipped to",
        ),
        ("--epsilon", float, rules.epsilon, "added to the second moment's root"),
    ):
        _number(parser, name, kind, default, what)
    parser.add_argument(
        "--betas",
        nargs=2,
        type=float,
        metavar="B",
        default=rules.betas,
        help="how much of the two moments is kept (default: 0.9 0.999)",
    )
    parser.add_argument(
        "--bias-correction",
        action="store_true",
        help="take the moments' start at 0 out of them, as torch.optim.AdamW does",
    )


def _add_writing(parser: Any) -> None:
    for name, default, what in (
        ("--log-every", _DEFAULT.log_every, "steps of a line of the log"),
        ("--eval-every", _DEFAULT.eval_every, "steps between two evaluations"),
        ("--save-every", _DEFAULT.save_every, "steps between two checkpoints"),
        ("--keep", _DEFAULT.keep, "checkpoints that stay"),
    ):
        _number(parser, name, positive, default, what)


def _add_engine(parser: Any) -> None:
    parser.add_argument(
        "--shard",
        action="store_true",
        help="pt: each process of torchrun keeps a slice of the weights",
    )
    parser.add_argument(
        "--strategy", choices=STRATEGIES, help="tf: several devices (default: one)"
    )
    parser.add_argument(
        "--mesh",
        metavar="AXES",
        type=not_empty,
        help="flax: several devices, such as data=4,model=2 (default: one)",
    )


def run(chosen: argparse.Namespace) -> int:
    """Train and print the last figures.

    Args:
        chosen: the command's arguments, as parsed.

    Returns:
        0.

    Raises:
        ImportError: a library is not installed.
        OSError: something cannot be read or written.
        UsageError: the tokenizer is not known.
        ValueError: data, model and settings do not go together, the folder holds
            another run, or the gradients are not finite.
        RuntimeError: another process of the run is gone.
    """
    from albert.common.auto import AutoTokenizer
    from albert.common.training.pretraining import MODEL_FOLDER, pretrain

    settings = _settings(chosen)
    framework = backend.choose(chosen.framework)
    named = chosen.tokenizer or chosen.model
    if named is None:
        raise UsageError(
            "--config needs --tokenizer, with which the data were prepared"
        )
    tokenizer = AutoTokenizer.from_pretrained(named)
    start = chosen.model or _config(chosen.config, len(tokenizer))
    figures = pretrain(
        framework,
        start,
        tokenizer,
        chosen.data,
        chosen.output,
        settings,
        chosen.eval_data,
        engine_settings=EngineSettings(chosen.shard, chosen.strategy, chosen.mesh),
    )
    for name, figure in figures.items():
        print(f"{name.replace('_', ' '):{_WIDTH}}{figure:.6g}")
    if figures:
        print(f"{'wrote':{_WIDTH}}{Path(chosen.output) / MODEL_FOLDER}")
    return 0


def _settings(chosen: argparse.Namespace) -> TrainingSettings:
    optimizer = OptimizerSettings(
        chosen.optimizer,
        tuple(chosen.betas),
        chosen.epsilon,
        chosen.weight_decay,
        chosen.max_grad_norm,
        chosen.bias_correction,
    )
    names = {each.name for each in fields(TrainingSettings)} - {"optimizer", "freeze"}
    given = {name: getattr(chosen, name) for name in names}
    return TrainingSettings(optimizer=optimizer, **given)
