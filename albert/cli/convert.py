"""`albert convert`: any form of a checkpoint to any other, checked before it counts."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from albert.cli import frameworks
from albert.cli.arguments import add_source, class_named, not_empty
from albert.common import converting
from albert.common.checkpoint import forms
from albert.common.checkpoint.lazy import FLOATS, LazyArray
from albert.common.converting import Difference, Fit
from albert.common.dialects import DIALECTS
from albert.common.opening import Checkpoint, open_checkpoint
from albert.common.probe import LENGTH, make_inputs
from albert.common.saving import FORMATS, save_arrays
from albert.common.tasks import backend
from albert.common.texts import some

_SEED = 7
_WIDTH = 11
_UNTOUCHED = "The destination is as it was."


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "convert",
        help="write a checkpoint in another form, and check that nothing changed",
        description="Write a checkpoint of any form in another one. Source and result "
        "are run on the same inputs in every framework that is installed; if they "
        "differ, nothing takes its place in the destination.",
        epilog="example: albert convert albert_base/model.ckpt-best albert-base --to "
        "pt --head AlbertForMaskedLM",
    )
    add_source(parser)
    parser.add_argument(
        "destination",
        metavar="DST",
        type=not_empty,
        help="a folder; other files in it stay",
    )
    parser.add_argument(
        "--to",
        choices=tuple(FORMATS),
        default="safetensors",
        help="the form: safetensors, which all frameworks read (default), or that of "
        "transformers' classes for PyTorch, TensorFlow or Flax",
    )
    parser.add_argument(
        "--head",
        metavar="CLASS",
        type=class_named,
        help="one of the classes in the source, such as AlbertForMaskedLM (default: "
        "the one that its configuration names, or else the only one complete)",
    )
    parser.add_argument(
        "--dtype",
        choices=FLOATS,
        help="type of the weights (default: each weight's in the source)",
    )
    parser.add_argument(
        "--no-verify",
        action="store_true",
        help="compare the weights only, and run no model",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Convert, compare and print.

    Args:
        chosen: the command's arguments, as parsed.

    Returns:
        0.

    Raises:
        ImportError: the library for this form of file is not installed.
        OSError: there is no such checkpoint, or the destination cannot be written to.
        ValueError: the source is damaged or holds no such class, or the result is not
            the same; the destination is as it was.
    """
    destination = Path(chosen.destination).expanduser()
    _check_destination(destination)
    checkpoint = open_checkpoint(chosen.source)
    fit, why = converting.choose(checkpoint, chosen.head)
    _print_choice(checkpoint, fit, why)
    tokenizer, text = converting.find_tokenizer(chosen.source, checkpoint)
    _line("tokenizer", text)
    checkpoint.check_copies(row.canonical for row in fit.rows)
    arrays = {row.canonical: checkpoint.arrays[row.canonical] for row in fit.rows}
    held, rounded = _read(arrays, chosen.dtype)
    with converting.placing(destination, chosen.to, tokenizer is not None) as staged:
        config, class_name = checkpoint.config, fit.class_name
        save_arrays(staged, config, held, class_name, format=chosen.to)
        if tokenizer is not None:
            tokenizer.save_pretrained(staged)
        _check_weights(arrays, chosen, staged)
        nan = converting.with_nan(held)
        held = held if rounded else {}
        if not chosen.no_verify:
            _refuse_nan(nan)
            _check_outputs(_Probe(checkpoint, fit), chosen, held, staged)
    _line("wrote", destination / FORMATS[chosen.to].file_name)
    _point_out_preferred(destination, FORMATS[chosen.to].file_name)
    return 0


def _check_destination(folder: Path) -> None:
    if folder.is_symlink():
        raise NotADirectoryError(
            f"DST {str(folder)!r} is a symbolic link to {os.readlink(folder)!r}; give "
            f"the folder itself."
        )
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(
            f"DST {str(folder)!r} is a file; give the path of a folder."
        )


def _line(title: str, text: object) -> None:
    print(f"{title:{_WIDTH}}{text}")


def _print_choice(checkpoint: Checkpoint, fit: Fit, why: str) -> None:
    title = DIALECTS[checkpoint.dialect].title
    number = sum(math.prod(checkpoint.arrays[row.canonical].shape) for row in fit.rows)
    _line("source", f"{checkpoint.file}, as {title} writes it")
    _line("class", f"{fit.class_name} ({why})")
    _line("weights", f"{len(fit.rows)}, of {number:,} parameters")
    if not fit.pooling:
        _line("no pooler", "load the result with add_pooling_layer=False")
    if fit.left_out:
        _line("left out", f"{', '.join(fit.left_out)}, of other classes")
    if checkpoint.unexpected:
        unknown = some(checkpoint.unexpected)
        _line("left out", f"{unknown}, which no ALBERT has")


def _read(
    arrays: Mapping[str, LazyArray], dtype: str | None
) -> tuple[dict[str, np.ndarray], bool]:
    from tqdm import tqdm

    total = sum(math.prod(array.shape) for array in arrays.values())
    quiet = not sys.stderr.isatty()
    with tqdm(
        total=total, desc="reading", unit="", unit_scale=True, disable=quiet
    ) as bar:
        return converting.read_all(arrays, dtype, bar.update)


def _check_weights(
    arrays: Mapping[str, LazyArray], chosen: argparse.Namespace, staged: Path
) -> None:
    result, has_bfloat16 = open_checkpoint(staged), FORMATS[chosen.to].bfloat16
    differing = converting.differing_weights(arrays, chosen.dtype, result, has_bfloat16)
    if differing:
        raise ValueError(
            f"the result would hold other weights than the source: "
            f"{some(differing)}. {_UNTOUCHED}"
        )
    rounded = f"rounded to {chosen.dtype}, " if chosen.dtype else ""
    _line("compared", f"{len(arrays)} weights, {rounded}bit for bit: the same")


def _refuse_nan(found: Sequence[str]) -> None:
    if found and backend.installed():
        raise ValueError(
            f"the source holds NaN in {some(found)}, so no outputs can be compared; "
            f"--no-verify converts it all the same. {_UNTOUCHED}"
        )


class _Probe:
    """Runs a checkpoint as one class in any framework."""

    def __init__(self, checkpoint: Checkpoint, fit: Fit) -> None:
        self.config, self.class_name = checkpoint.config, fit.class_name
        length = min(LENGTH, self.config.max_position_embeddings)
        self.inputs = make_inputs(self.config, fit.class_name, _SEED, length)
        self.options = {} if fit.pooling else {"add_pooling_layer": False}

    def __call__(self, framework: str, name: str | Path) -> dict[str, Any]:
        """Give the outputs."""
        return frameworks.outputs(
            framework, self.class_name, name, self.inputs, **self.options
        )


def _check_outputs(
    probe: _Probe,
    chosen: argparse.Namespace,
    rounded: Mapping[str, np.ndarray],
    staged: Path,
) -> None:
    """Run source and result; `rounded` has the weights if they are not the source's."""
    found = backend.installed()
    if not found:
        _line("outputs", "not compared, since no framework is installed")
        return
    with TemporaryDirectory(dir=staged.parent) as folder:
        source = chosen.source
        if rounded:
            source = folder
            wide = {name: converting.single(rounded[name]) for name in rounded}
            save_arrays(folder, probe.config, wide, probe.class_name)
        differences = converting.compare_outputs(
            found,
            lambda framework: probe(framework, source),
            lambda framework: probe(framework, staged),
        )
        _print_table(differences)
        if rounded:
            effect = converting.largest_difference(
                probe(found[0], chosen.source), probe(found[0], source)
            )
            _line("rounding", f"changes the outputs by {effect:.1e} ({found[0]})")
    failed = [each.framework for each in differences if not each.agrees]
    if failed:
        raise ValueError(
            f"the outputs differ in {', '.join(failed)} by more than float32's "
            f"rounding explains. {_UNTOUCHED}"
        )


def _print_table(differences: list[Difference]) -> None:
    first = differences[0]
    _line("outputs", "largest differences, computed in float32")
    _row("", "source to result", f"to source in {first.framework}", "")
    for each in differences:
        verdict = "the same" if each.agrees else "DIFFERENT"
        _row(each.framework, f"{each.own:.1e}", f"{each.across:.1e}", verdict)
    limits = (converting.TOLERANCE, converting.ACROSS_TOLERANCE)
    own, across = (limit * first.scale for limit in limits)
    _row("limit", f"{own:.1e}", f"{across:.1e}", "rounding in another order")
    for framework in backend.PREFIXES:
        if framework not in [each.framework for each in differences]:
            print(f"  {frameworks.how_to_install(framework)}")


def _row(*cells: str) -> None:
    name, own, across, verdict = cells
    print(f"  {name:6}{own:>18}{across:>20}  {verdict}".rstrip())


def _point_out_preferred(folder: Path, file_name: str) -> None:
    """Say which older weights in the folder readers would take instead."""
    form, name = forms.weight_files([path.name for path in folder.iterdir()])[0]
    if form.file_name != file_name:
        _line("beware", f"{name}, which is there, too, is what is loaded from {folder}")
