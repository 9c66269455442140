"""From a model to files that run without this package, checked before they count.

Letters: B batch, C choices, S sequence.
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from albert._version import __version__
from albert.common import agreement, converting, onnx_files, whole_folder
from albert.common.agreement import Agreement
from albert.common.config import AlbertConfig
from albert.common.converting import Fit
from albert.common.opening import open_checkpoint
from albert.common.probe import make_inputs
from albert.common.saving import write_config
from albert.common.tasks import backend

Run = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
"""From NumPy inputs to NumPy outputs, both by name."""

FRAMEWORKS = {
    "onnx": "pt",
    "savedmodel": "tf",
    "stablehlo": "flax",
    "torch-export": "pt",
}
"""What can be written -> the framework that writes it."""

FILES = {
    "onnx": "model.onnx",
    "savedmodel": "saved_model.pb",
    "stablehlo": "model.jax_export",
    "torch-export": "model.pt2",
}
"""What can be written -> its file."""

INT8_FILE = "model-int8.onnx"
WEIGHTS = "weights.npz"
"""The weights beside `model.jax_export`."""

SIGNATURE = "serving_default"
"""The signature of a SavedModel, as TensorFlow's tools call it."""

INPUTS = ("input_ids", "attention_mask", "token_type_ids")

TOLERANCE = 1e-4
"""How far an output may be from the model's."""

_SEED = 7
_CHOICE_CLASS = "AlbertForMultipleChoice"
_TRACED = (2, 3, 5)
# B, C and S of the comparison; none is what was traced, 0 stands for the longest.
_COMPARED = ((1, 1, 1), (3, 2, 7), (2, 4, 0))


class Report(NamedTuple):
    """What was written, and how it compared.

    Fields:
        folder: where it is.
        to: a key of `FILES`.
        class_name: PyTorch's name of the class.
        why: why it is that class.
        tokenizer: where the tokenizer is from, or why there is none.
        weight_bytes: size of the weights as float32, each once.
        file_bytes: size of the files that hold program and weights.
        difference: largest difference of an output from the source's.
        shapes: those compared, of `input_ids`.
        int8: how the answers of int8 agree; None if it was not asked for.
        int8_bytes: size of its file; 0 likewise.
    """

    folder: Path
    to: str
    class_name: str
    why: str
    tokenizer: str
    weight_bytes: int
    file_bytes: int
    difference: float
    shapes: tuple[tuple[int, ...], ...]
    int8: Agreement | None = None
    int8_bytes: int = 0


def export(
    model: Any,
    directory: str | os.PathLike[str],
    to: str,
    *,
    class_name: str | None = None,
    tokenizer: Any = None,
    int8: bool = False,
    sentences: Sequence[str] | None = None,
) -> Report:
    """Write a model as files that run without this package, as float32.

    The files take inputs of every B, C and S up to `max_position_embeddings`. They are
    run and compared with the model before they take their place.

    Args:
        model: a name or path that `from_pretrained` opens, or a loaded model.
        directory: a folder that is new, empty or an earlier export, which makes way.
        to: "onnx", "savedmodel", "stablehlo" or "torch-export".
        class_name: PyTorch's name of one of the classes in `model`; None for the one
            that its configuration names, or else the only one complete.
        tokenizer: written beside; None for the one beside the model, if there is one.
        int8: whether to write an ONNX file with matrices of int8, too, and count how
            many of its answers are the same.
        sentences: texts to count on; None for those in this package.

    Returns:
        What was written.

    Raises:
        ImportError: the target's framework, or the packages for ONNX, are missing.
        OSError: there is no such model, or `directory` cannot be written to.
        TypeError: `model` or `tokenizer` is none of these.
        ValueError: an argument is bad, the model does not hold the class, or the
            exported files compute something else; `directory` is as it was.

    Warns:
        UserWarning: int8 changes answers.
    """
    _check_arguments(to, class_name, tokenizer, int8, sentences)
    folder = whole_folder.check_free(directory, "directory")
    backend.model_class(FRAMEWORKS[to], "AlbertModel")
    if to == "onnx":
        onnx_files.check_installed()
    with _on_disk(model) as source:
        checkpoint = open_checkpoint(source)
        fit, why = converting.choose(checkpoint, class_name, "--class (class_name=)")
        if tokenizer is not None or source is not model:
            text = "none was given" if tokenizer is None else "the one given"
        else:
            tokenizer, text = converting.find_tokenizer(source, checkpoint)
        if int8 and tokenizer is None:
            raise ValueError(
                "int8 needs a tokenizer, since its answers are compared on texts: give "
                "tokenizer=, or put its files beside the model. Nothing was written."
            )
        loaded = _load(source, fit, FRAMEWORKS[to])
    with whole_folder.new_folder(folder) as staged:
        difference, shapes = _write(loaded, fit.class_name, staged, to)
        size = sum(each.stat().st_size for each in staged.rglob("*") if each.is_file())
        report = Report(
            folder,
            to,
            fit.class_name,
            why,
            text,
            4 * loaded.num_parameters(),
            size,
            difference,
            shapes,
        )
        if int8:
            report = _add_int8(report, staged, tokenizer, sentences)
        _write_beside(report, staged, loaded.config, tokenizer)
    if report.int8 is not None and report.int8.differing:
        warnings.warn(report.int8.warning(), stacklevel=2)
    return report


def example(model: Any) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Give inputs to trace a model with.

    Args:
        model: one of this package's.

    Returns:
        int32 arrays by name, and what their axes are called.
    """
    class_name = str(backend.class_of(model))
    axes = ("batch", "choices", "sequence")
    if class_name != _CHOICE_CLASS:
        axes = ("batch", "sequence")
    return _inputs(model.config, class_name, _TRACED), axes


def _check_arguments(
    to: Any,
    class_name: Any,
    tokenizer: Any,
    int8: bool,
    sentences: Sequence[str] | None,
) -> None:
    if not isinstance(to, str) or to not in FILES:
        raise ValueError(f"to must be one of {', '.join(FILES)}, but is {to!r}.")
    known = ", ".join(converting.names.PARTS)
    if class_name is not None and class_name not in converting.names.PARTS:
        raise ValueError(f"class_name must be one of {known}, but is {class_name!r}.")
    if tokenizer is not None and not hasattr(tokenizer, "save_pretrained"):
        raise TypeError(
            f"tokenizer must be a tokenizer of this package, such as AutoTokenizer "
            f"gives, but is a {type(tokenizer).__name__}."
        )
    if int8 and to != "onnx":
        raise ValueError(f"int8 goes with to='onnx', but to is {to!r}.")
    if sentences is not None and not int8:
        raise ValueError("sentences goes with int8=True, whose answers it compares.")
    if sentences is not None and not sentences:
        raise ValueError("sentences must hold at least one text, but is empty.")


@contextmanager
def _on_disk(model: Any) -> Generator[Any]:
    """Give the name of a checkpoint: a loaded model is saved, and not changed."""
    if isinstance(model, str | os.PathLike):
        yield model
        return
    found, known = type(model).__name__, backend.class_of(model)
    if known is None:
        raise TypeError(
            f"model must be a name, a path or a model of this package, but is a "
            f"{found}."
        )
    if not type(model).__module__.startswith("albert."):
        raise TypeError(
            f"model must be of a class of this package, but {found} is your own, and "
            f"may compute what no export would: if it does not, save it and give the "
            f"folder, which is exported as {known}."
        )
    with TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        yield folder


def _load(source: Any, fit: Fit, framework: str) -> Any:
    model_class = backend.model_class(framework, fit.class_name)
    options = {} if fit.pooling else {"add_pooling_layer": False}
    with _part(framework, "devices").on_cpu():
        return model_class.from_pretrained(source, **options)


def _part(framework: str, name: str) -> Any:
    return importlib.import_module(f"albert.{framework}.{name}")


def _write(
    model: Any, class_name: str, folder: Path, to: str
) -> tuple[float, tuple[tuple[int, ...], ...]]:
    """Write the files, run them and compare; give the difference and the shapes."""
    framework = FRAMEWORKS[to]
    module, runner = _part(framework, "export"), _part(framework, "runner")
    module.write(model, folder, to)
    flags = {"output_attentions": False, "output_hidden_states": False}
    differences: list[float] = []
    shapes: list[tuple[int, ...]] = []
    with _part(framework, "devices").on_cpu():
        exported = module.read(folder, to)
        for sizes in _COMPARED:
            inputs = _inputs(model.config, class_name, sizes)
            right = runner.run(model, inputs, **flags)
            found = exported(inputs)
            differences.append(converting.largest_difference(right, found))
            shapes.append(inputs["input_ids"].shape)
    difference = float(np.max(differences))
    if not difference <= TOLERANCE:
        raise ValueError(
            f"the outputs of the exported files would be {difference:.1e} away from "
            f"the model's, but may be {TOLERANCE:.0e}. Nothing was written."
        )
    return difference, tuple(shapes)


def _inputs(
    config: AlbertConfig, class_name: str, sizes: tuple[int, int, int]
) -> dict[str, np.ndarray]:
    """Make inputs, padded on both sides, with a row that is padding only."""
    batch, choices, length = sizes
    longest = config.max_position_embeddings
    length = min(length or longest, longest)
    inputs = make_inputs(config, class_name, _SEED + length, length, batch)
    if class_name == _CHOICE_CLASS:
        inputs = {name: array[:, :choices] for name, array in inputs.items()}
    mask = inputs["attention_mask"]
    mask[0, ..., : length // 4] = 0
    if batch > 1:
        mask[-1] = 0
    return inputs


def _add_int8(
    report: Report, folder: Path, tokenizer: Any, sentences: Sequence[str] | None
) -> Report:
    onnx_files.quantise(folder / FILES["onnx"], folder / INT8_FILE)
    found = agreement.compare(
        onnx_files.run(folder / FILES["onnx"]),
        onnx_files.run(folder / INT8_FILE),
        report.class_name,
        tokenizer,
        sentences or agreement.SENTENCES,
    )
    size = (folder / INT8_FILE).stat().st_size
    return report._replace(int8=found, int8_bytes=size)


def _write_beside(
    report: Report, folder: Path, config: AlbertConfig, tokenizer: Any
) -> None:
    """Write what is no program: configuration, tokenizer, list of files."""
    write_config(folder, config, report.class_name, "float32")
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    facts: dict[str, Any] = {
        "albert_models": __version__,
        "to": report.to,
        "class": report.class_name,
        "inputs": list(INPUTS),
        "largest_difference": report.difference,
        "limit": TOLERANCE,
        "compared_shapes": [list(shape) for shape in report.shapes],
    }
    if report.int8 is not None:
        facts["int8_answers"] = report.int8.counts
    whole_folder.write_list(folder, facts)
