"""`pipeline`: a task, a model and a tokenizer, ready to be called."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from albert.common.config import AlbertConfig
from albert.common.hub import DEMO_NAME, Location
from albert.common.loading import take_dtype
from albert.common.tasks import backend
from albert.common.tasks.checks import check_choice, check_count
from albert.common.tasks.registry import DEMO_TASKS, task_class, task_of
from albert.common.tasks.several import is_one, items_of
from albert.common.tasks.streaming import Stream, with_progress
from albert.common.tasks.task import Task, changed

BATCH_SIZE = 32
"""Rows in a batch at most, of several inputs."""


class Pipeline:
    """A task that can be called on one input, a list, a generator or a dataset.

    Args:
        task: the halves before and after the model.
        model: of this package, of any framework.
        batch_size: rows in a batch at most; None for 32.
        progress: whether to show progress on stderr; None does on a terminal, for
            more inputs than one batch.
        on_error: "raise", or "return" to give an `InputError` in the place of the
            answer to an input that cannot be processed.
        **options: of the task. `num_workers` is accepted and not used.

    Raises:
        TypeError: there is no such option.
        ValueError: a value is bad.
    """

    def __init__(
        self,
        task: Task[Any],
        model: Any,
        batch_size: int | None = None,
        progress: bool | None = None,
        on_error: str = "raise",
        **options: Any,
    ) -> None:
        self._task = task
        self.task = task.name
        self.model = model
        self.tokenizer = task.tokenizer
        self.framework = task.framework = backend.framework_of(model)
        self.runner = backend.make_runner(model)
        self._chosen: dict[str, Any] = {
            "batch_size": batch_size,
            "progress": progress,
            "on_error": on_error,
        }
        _check(**self._chosen)
        options.pop("num_workers", None)
        self._options = changed(task.name, task.options_class(), options)

    @property
    def device(self) -> Any:
        """Where the model is."""
        return self.model.device

    def save_pretrained(self, save_directory: Any, **options: Any) -> None:
        """Write the model and the tokenizer into a folder, which `pipeline` opens.

        Args:
            save_directory: the folder.
            **options: of the model's `save_pretrained`.

        Raises:
            OSError: it cannot be written.
        """
        self.model.save_pretrained(save_directory, **options)
        self.tokenizer.save_pretrained(save_directory)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Answer.

        Args:
            *inputs: one input; or several in a list, a generator, any iterable, or a
                `datasets` dataset, of which the columns that the task knows are read.
                They are read a window ahead, of 16 batches at most, so that those of
                like lengths are computed together; with `batch_size=1` each is
                answered before the next is read.
            **options: of the task; and `batch_size`, `progress`, `on_error`, as in the
                constructor. `num_workers` is accepted and not used.

        Returns:
            The answer; for a list, the list of answers; for anything else that can be
                iterated, a generator of answers, which holds a bounded number of
                inputs at a time.

        Raises:
            TypeError: an argument is not known, or the input is of the wrong kind.
            ValueError: a value is bad, or the input cannot be processed.
            InputError: one of several inputs cannot be processed; it names its index.

        Warns:
            UserWarning: a text was cut because it is too long; said once.
        """
        options.pop("num_workers", None)
        given, options = self._task.arrange(*inputs, **options)
        chosen = {
            name: options.pop(name, default) for name, default in self._chosen.items()
        }
        _check(**chosen)
        wanted = changed(self.task, self._options, options)
        stream = Stream(
            self._task,
            self.runner,
            wanted,
            chosen["batch_size"] or BATCH_SIZE,
            chosen["on_error"],
        )
        if is_one(given):
            return self._task.present([stream.answer(given)], True, options)
        total = len(given) if hasattr(given, "__len__") else None
        is_list = isinstance(given, (list, tuple))
        answers = with_progress(
            stream.answers(items_of(given, self._task.keys), is_list),
            total,
            chosen["progress"],
            stream.batch_size,
        )
        if is_list:
            return self._task.present(list(answers), False, options)
        return answers

    def stream(self, first: int = 0, block: int | None = None) -> Stream:
        """Give what answers inputs one after another, with the pipeline's settings.

        Args:
            first: number of the first input, from 0.
            block: see `Stream`.

        Returns:
            The stream.
        """
        chosen = self._chosen
        batch_size = chosen["batch_size"] or BATCH_SIZE
        return Stream(
            self._task,
            self.runner,
            self._options,
            batch_size,
            chosen["on_error"],
            first,
            block,
        )

    def __repr__(self) -> str:
        return (
            f"Pipeline(task={self.task!r}, framework={self.framework!r}, "
            f"model={type(self.model).__name__}, device={str(self.device)!r})"
        )


def pipeline(
    task: str | None = None,
    model: Any = None,
    config: AlbertConfig | None = None,
    tokenizer: Any = None,
    framework: str | None = None,
    revision: str | None = None,
    use_fast: bool = True,
    token: str | bool | None = None,
    device: Any = None,
    device_map: Any = None,
    dtype: Any = None,
    model_kwargs: Mapping[str, Any] | None = None,
    **options: Any,
) -> Pipeline:
    """Make a pipeline.

    Args:
        task: such as "fill-mask"; `albert.common.tasks.registry.TASKS` has them all.
            None for the one that the model's configuration names.
        model: a checkpoint as `from_pretrained` takes it, or a model of this package.
            None for the checkpoint in the package, if it has a head for the task.
        config: used instead of the checkpoint's.
        tokenizer: a checkpoint, or a tokenizer of this package; None for the model's.
        framework: "pt", "tf" or "flax"; None for the model's, or else the first that
            is installed.
        revision: a branch, tag or commit on the hub.
        use_fast: whether the tokenizer is an `AlbertTokenizerFast`.
        token: the hub's token.
        device: where the model runs, as `device_map` of `from_pretrained`: "cpu", -1
            for the CPU, 0 for the first accelerator; None for the best there is. A
            model that is loaded already is moved there, and by None it is not.
        device_map: the same; users of transformers give either. "auto" leaves a model
            that is loaded where it is.
        dtype: type of the weights, as in `from_pretrained`; `torch_dtype` is the same.
        model_kwargs: further arguments of `from_pretrained`, such as `cache_dir`.
        **options: of the task, and of `Pipeline`: `batch_size`, `progress`, `on_error`.

    Returns:
        The pipeline.

    Raises:
        ImportError: the framework is not installed.
        OSError: there is no such checkpoint.
        TypeError: an argument is not known.
        ValueError: a value is bad, or the model is not one for the task.
    """
    options.pop("trust_remote_code", None)
    others = dict(model_kwargs or {})
    for given in (options, others):
        dtype = take_dtype(dtype, given)
    load = {
        "config": others.pop("config", config),
        "dtype": others.pop("dtype", dtype),
        "device": device,
        "device_map": others.pop("device_map", device_map),
    }
    if device is not None and load["device_map"] is not None:
        raise ValueError("device and device_map mean the same: give one of them.")
    where = {"revision": revision, "token": token, **others}
    where = {name: value for name, value in where.items() if value is not None}
    if model is None:
        model = _demo(task)
    kind = task_class(task or task_of(_class_name(model, config, where)))
    if tokenizer is None and not _is_name(model):
        raise ValueError(
            "tokenizer must be given, since the model is not a checkpoint's name."
        )
    tokenizer = _tokenizer(model if tokenizer is None else tokenizer, use_fast, where)
    if _is_name(model):
        model = _load(kind, backend.choose(framework), model, load, where)
    else:
        _check_model(model, kind, framework, load)
        _move(model, load)
    return Pipeline(kind(tokenizer, model.config), model, **options)


def _load(
    kind: type[Task[Any]],
    framework: str,
    name: Any,
    load: Mapping[str, Any],
    where: Mapping[str, Any],
) -> Any:
    argument = "device_map" if load["device"] is None else "device"
    return backend.model_class(framework, kind.model_class).from_pretrained(
        name,
        config=load["config"],
        dtype=load["dtype"],
        device_map=backend.find_device(framework, load[argument], argument),
        **where,
    )


def _demo(task: str | None) -> str:
    if task is None:
        raise ValueError("task must be given, such as 'fill-mask', or a model.")
    if task_class(task).name not in DEMO_TASKS:
        raise ValueError(
            f"model must be given: the checkpoint in the package has no head for "
            f"{task}. Give a checkpoint that was fine-tuned for it."
        )
    return DEMO_NAME


def _class_name(
    model: Any, config: AlbertConfig | None, where: Mapping[str, Any]
) -> str | None:
    if not _is_name(model):
        return backend.class_of(model)
    if config is None:
        config = AlbertConfig.from_pretrained(model, **_location(where))
    return next(iter(config.architectures or ()), None)


def _check_model(
    model: Any,
    kind: type[Task[Any]],
    framework: str | None,
    load: Mapping[str, Any],
) -> None:
    found = backend.class_of(model)
    if found is None:
        raise TypeError(
            f"model must be a checkpoint's name or a model of this package, but is of "
            f"type {type(model).__name__}."
        )
    if found != kind.model_class:
        raise ValueError(
            f"model must be of the class {kind.model_class} for {kind.name}, but is "
            f"of {found}."
        )
    if framework not in (None, backend.framework_of(model)):
        raise ValueError(
            f"framework is {framework!r}, but the model is one of "
            f"{backend.framework_of(model)!r}: leave framework out."
        )
    alike = {
        "config": load["config"] in (None, model.config),
        "dtype": backend.is_of_type(model, load["dtype"]),
    }
    for name in alike:
        if not alike[name]:
            raise ValueError(
                f"{name} is not that of the model that was given, which is loaded "
                f"already: leave {name} out, or give a checkpoint's name."
            )


def _move(model: Any, load: Mapping[str, Any]) -> None:
    """Put a loaded model where the caller wants it."""
    if load["device"] is not None:
        backend.move(model, load["device"], "device")
    elif load["device_map"] not in (None, "auto"):
        backend.move(model, load["device_map"], "device_map")


def _tokenizer(given: Any, use_fast: bool, where: Mapping[str, Any]) -> Any:
    from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast

    if isinstance(given, (AlbertTokenizer, AlbertTokenizerFast)):
        return given
    if not _is_name(given):
        raise TypeError(
            f"tokenizer must be a checkpoint's name or a tokenizer of this package, "
            f"but is of type {type(given).__module__}.{type(given).__name__}."
        )
    kind = AlbertTokenizerFast if use_fast else AlbertTokenizer
    return kind.from_pretrained(given, **_location(where))


def _location(where: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in dataclasses.fields(Location)}
    return {name: value for name, value in where.items() if name in known}


def _check(batch_size: Any, progress: Any, on_error: Any) -> None:
    if batch_size is not None:
        check_count("batch_size", batch_size)
    check_choice("progress", progress, (True, False, None))
    check_choice("on_error", on_error, ("raise", "return"))


def _is_name(given: Any) -> bool:
    return isinstance(given, (str, os.PathLike))
