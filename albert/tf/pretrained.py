"""What every model has: its configuration, new weights, loading and saving.

Which weights there are, and what they are called, stands in `albert.common.names`.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from albert.common import names
from albert.common.checkpoint.lazy import LazyArray
from albert.common.config import AlbertConfig
from albert.common.loading import dtype_name, load_arrays, prepare, take_dtype
from albert.common.opening import Checkpoint
from albert.common.publishing import push_model
from albert.common.saving import save_arrays, warn_of_unsaved
from albert.tf.devices import find_device
from albert.tf.embeddings import _taken_over
from albert.tf.fast.compiled import CompiledCalls
from albert.tf.resizing import resize


class TFAlbertPreTrainedModel(keras.Model):
    """A model that has a configuration and can be loaded and saved.

    `compile` without a loss trains and evaluates on the model's own, with labels in
    the inputs or as `y`; with one, that loss and the metrics compare `y` and the
    logits.

    Args:
        config: the sizes and settings.
        dtype: Keras policy, such as "bfloat16" or "mixed_bfloat16"; None for Keras'
            global one.
        name: of the Keras model.

    Raises:
        TypeError: `config` is no `AlbertConfig`.
        ValueError: a value of it is bad.
    """

    config_class = AlbertConfig
    base_model_prefix = "albert"
    own_arguments: ClassVar[tuple[str, ...]] = ()
    """Arguments of the constructor beside `config`."""
    labels_of: ClassVar[dict[str, str]] = {"logits": "labels"}
    """Field of the output -> the argument that holds its labels."""
    words_field: ClassVar[str | None] = None
    """Field of the output that holds the scores of words, if there is one."""
    _placed: str | None = None

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        if not isinstance(config, AlbertConfig):
            raise TypeError(
                f"config must be an AlbertConfig, but is a {type(config).__name__}; to "
                f"load a checkpoint use {type(self).__name__}.from_pretrained."
            )
        config.validate()
        # Keras would round float labels and masks to the layers' type.
        super().__init__(dtype=dtype, autocast=False, name=name)
        self.config = config
        self._compiled_calls = CompiledCalls()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the model; see `call`.

        Args:
            *args: arguments of `call`: tensors, arrays or lists. The first may be a
                mapping that holds any of them.
            **kwargs: the same by name.

        Returns:
            What `call` gives.

        Raises:
            TypeError: an argument is not known or was given twice.
        """
        kind: Any = type(self)
        taken = _arguments(kind)
        inputs = _named_inputs(type(self).__name__, taken, args, kwargs)
        symbolic = any(keras.backend.is_keras_tensor(one) for one in inputs.values())
        if symbolic and self.words_field and inputs.get("output_logits") is None:
            # A functional model's graph has the same outputs in training.
            inputs["output_logits"] = True
        with _on(self._placed):
            outputs = self._compiled_calls.run(self, inputs)
            return super().__call__(**inputs) if outputs is NotImplemented else outputs

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        config: AlbertConfig | None = None,
        dtype: Any = None,
        device_map: Any = None,
        ignore_mismatched_sizes: bool = False,
        output_loading_info: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Build a model from a checkpoint, in inference mode.

        Args:
            pretrained_model_name_or_path: a folder, a weight file, the prefix of a
                TensorFlow checkpoint, a repository on the hub such as "owner/name",
                or "albert-demo"; docs/checkpoints.md lists the forms.
            config: used instead of the folder's.
            dtype: type of the weights, such as tf.bfloat16 or "bfloat16", or a mixed
                Keras policy, such as "mixed_bfloat16"; "auto" for the file's; None for
                float32.
            device_map: the one device that the weights go to and the model runs on,
                such as "auto", the first accelerator or else the CPU; see
                `find_device`. None for TensorFlow's choice.
            ignore_mismatched_sizes: whether a head of another shape is made anew
                instead of raising.
            output_loading_info: whether to return the loading report, too.
            **kwargs: fields of the configuration to set differently, such as
                `num_labels`; `add_pooling_layer`, for the bare model; where on the hub:
                `revision`, `token`, `cache_dir`, `local_files_only`, `subfolder`,
                `force_download`. `from_pt`, `trust_remote_code` and their like are
                not needed.

        Returns:
            The model, or the model and a dictionary of lists of names.

        Raises:
            OSError: no such folder, repository, configuration or weight file.
            ImportError: the library for this form of file is not installed.
            ValueError: the weights do not fit, or a value is bad.
            TypeError: an argument is not known.

        Warns:
            UserWarning: a head is missing in the checkpoint and starts random.
        """
        dtype = take_dtype(dtype, kwargs)
        device = None if device_map is None else find_device(device_map, "device_map")
        own = {name: kwargs.pop(name) for name in cls.own_arguments if name in kwargs}
        checkpoint, config = prepare(pretrained_model_name_or_path, config, kwargs)
        # Unfilled: every weight comes from the file or is made below.
        with _unfilled(), _on(device):
            model = cls(config, **own, dtype=_target_dtype(dtype, checkpoint))
        model._placed = device
        rows = model.weight_rows()
        arrays, report = load_arrays(checkpoint, config, rows, ignore_mismatched_sizes)
        for row in rows:
            if row.canonical in arrays:
                model._set_weight(row, arrays[row.canonical])
        model._make_missing(arrays)
        return (model, report.to_dict()) if output_loading_info else model

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        format: str = "safetensors",
        max_shard_size: int | str = "5GB",
    ) -> None:
        """Write `config.json` and the weights, which all frameworks load.

        The files take their places together: a reader sees the old checkpoint or the
        new one, even if this process is killed.

        Args:
            save_directory: a folder, made if need be.
            format: "safetensors"; or "pt", "tf", "flax" for the files that
                transformers 4's classes of that framework write.
            max_shard_size: bytes, or a text such as "5GB"; weights beyond it are
                split over several files.

        Raises:
            OSError: the folder cannot be written to; nothing in it has changed.
            ValueError: `format` or `max_shard_size` is bad.
        """
        self._check_saved()
        arrays = {
            row.canonical: row.to_framework(self._get_weight(row).numpy(), "tf")
            for row in self.weight_rows()
        }
        save_arrays(
            save_directory,
            self.config,
            arrays,
            self._table_name(),
            format=format,
            max_shard_size=max_shard_size,
        )

    def push_to_hub(self, repo_id: str, **arguments: Any) -> str:
        """Upload the model, with a card if the repository has none.

        Args:
            repo_id: "owner/name"; made if it is not there.
            **arguments: of `albert.common.publishing.push_model`: `commit_message`,
                `private`, `token`, `revision`, `create_pr`, `replace_card`, and for
                the card `training_data`, `evaluation`, `language`, `license`, `tags`.

        Returns:
            Address of the commit, or of the pull request.

        Raises:
            OSError: the hub does not take it; the text says why.
            ValueError: the name cannot be a repository's, or a value is bad.
        """
        return push_model(
            self.save_pretrained,
            self.config,
            self._table_name(),
            self.num_parameters(),
            repo_id,
            **arguments,
        )

    def weight_rows(self) -> tuple[names.Weight, ...]:
        """List this model's weights as the name table has them."""
        pooling = self.get_base_model().pooler is not None
        return names.weights(self.config, self._table_name(), pooling)

    def get_base_model(self) -> Any:
        """Give the bare `TFAlbertModel` inside, or the model itself if it is one."""
        return getattr(self, self.base_model_prefix, self)

    def get_input_embeddings(self) -> layers.Embedding:
        """Give the word embedding layer."""
        return self.get_base_model().embeddings.word_embeddings

    def get_output_embeddings(self) -> layers.Embedding | None:
        """Give the masked-LM head's output layer; None if there is no such head."""
        head = getattr(self, "predictions", None)
        return None if head is None else head.decoder

    def resize_token_embeddings(
        self,
        new_num_tokens: int | None = None,
        pad_to_multiple_of: int | None = None,
        mean_resizing: bool = True,
    ) -> layers.Embedding:
        """Make room for more tokens, or cut off the last ones.

        The other tokens' weights stay as they are. The masked-LM head follows: a new
        token's bias is the mean of the old ones. `config` becomes a copy with the new
        `vocab_size`; the object that the model was made with stays as it is. Compile
        the model after this; a `tf.function` that has been traced keeps the old table.

        Args:
            new_num_tokens: number of tokens, such as `len(tokenizer)`; None for the
                present one.
            pad_to_multiple_of: round it up to a multiple of this.
            mean_resizing: whether new rows are drawn closely around the mean of the
                old ones, or else as new weights are.

        Returns:
            The word embedding layer.

        Raises:
            ValueError: a number is no whole one above 0, or a special token would be
                cut off, or an optimizer has state of the old table.
        """
        with _on(self._placed):
            resize(self, new_num_tokens, pad_to_multiple_of, mean_resizing)
        self._trace_again()
        return self.get_input_embeddings()

    def gradient_checkpointing_enable(
        self, gradient_checkpointing_kwargs: Mapping[str, Any] | None = None
    ) -> None:
        """Keep only the layers' inputs in training, and compute the rest again.

        A function that has been traced keeps what it does.

        Args:
            gradient_checkpointing_kwargs: PyTorch's; None here.

        Raises:
            ValueError: there are such arguments.
        """
        if gradient_checkpointing_kwargs:
            raise ValueError(
                f"gradient_checkpointing_kwargs must be None, since they are "
                f"PyTorch's, but is {gradient_checkpointing_kwargs!r}."
            )
        self.get_base_model().encoder.gradient_checkpointing = True
        self._trace_again()

    def gradient_checkpointing_disable(self) -> None:
        """Keep all that the gradient needs, as at first."""
        self.get_base_model().encoder.gradient_checkpointing = False
        self._trace_again()

    @property
    def is_gradient_checkpointing(self) -> bool:
        """Whether the layers are computed again for the gradient."""
        return self.get_base_model().encoder.gradient_checkpointing

    def num_parameters(
        self, only_trainable: bool = False, exclude_embeddings: bool = False
    ) -> int:
        """Count the parameters, each shared one once.

        Args:
            only_trainable: whether those that get no gradient are left out.
            exclude_embeddings: whether the three embedding tables are left out.

        Returns:
            The number of values.
        """
        tables = [
            id(self._get_weight(row))
            for row in self.weight_rows()
            if exclude_embeddings and row.kind == names.TABLE
        ]
        return sum(
            int(np.prod(weight.shape))
            for weight in (self.trainable_weights if only_trainable else self.weights)
            if id(weight) not in tables
        )

    def get_memory_footprint(self, return_buffers: bool = True) -> int:
        """Count the bytes of the weights, each shared one once.

        Args:
            return_buffers: whether the states of the dropout's randomness count, too.

        Returns:
            The number of bytes.
        """
        held = self.variables if return_buffers else self.weights
        return sum(
            int(np.prod(one.shape)) * tf.as_dtype(one.dtype).size for one in held
        )

    @property
    def device(self) -> str:
        """Where the weights are, such as "/job:localhost/.../device:GPU:0"."""
        table: Any = self.get_input_embeddings().embeddings
        return table.value.device

    def init_weights(self) -> None:
        """Fill every weight with new random values and tie the shared ones.

        Matrices and tables: normal with deviation `initializer_range`, cut at twice
        that; biases 0, scales 1. Source: google-research/albert modeling.py,
        `create_initializer`.
        """
        self.tie_weights()
        self.built = True
        if _UNFILLED.get():
            return
        for row in self.weight_rows():
            _fill(self._get_weight(row), row.kind, self.config.initializer_range)

    def tie_weights(self) -> None:
        """Make the output layer's matrix and bias those that they are tied to."""
        head = getattr(self, "predictions", None)
        if head is not None:
            head.decoder = self.get_input_embeddings()

    @classmethod
    def _table_name(cls) -> str:
        """Give the name in the table; a subclass of a user's has its parent's."""
        bases = (base.__name__.removeprefix("TF") for base in cls.__mro__)
        return next(name for name in bases if name in names.PARTS)

    def _check_saved(self) -> None:
        """Warn of what a file will not hold."""
        known = {id(self._get_weight(row)) for row in self.weight_rows()}
        others = (weight for weight in self.weights if id(weight) not in known)
        warn_of_unsaved(weight.path for weight in others)

    def _get_weight(self, row: names.Weight) -> Any:
        found: Any = self
        for step in row.path("tf", base=self.get_base_model() is self):
            found = found[int(step)] if step.isdigit() else getattr(found, step)
        return found

    def _set_weight(self, row: names.Weight, array: LazyArray) -> None:
        value = array.read(transpose=row.kind.transpose)
        self._get_weight(row).assign(_taken_over(value))

    def _make_missing(self, found: Iterable[str]) -> None:
        """Make anew what the checkpoint had not."""
        for row in self.weight_rows():
            if row.canonical not in found:
                _fill(self._get_weight(row), row.kind, self.config.initializer_range)

    def _trace_again(self) -> None:
        """Leave what `fit`, `evaluate` and `predict` have compiled."""
        self.train_function = self.test_function = self.predict_function = None

    # What follows is Keras': training, evaluation, prediction and its own files.

    def train_step(self, data: Any) -> Any:
        """Train on one batch, whose labels stand in the inputs or are its `y`."""
        return super().train_step(self._with_labels(data))

    def test_step(self, data: Any) -> Any:
        """Evaluate one batch, whose labels stand in the inputs or are its `y`."""
        return super().test_step(self._with_labels(data))

    def predict_step(self, data: Any) -> Any:
        """Run one batch; labels among the inputs are left out."""
        inputs, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        labels = self.labels_of.values()
        if isinstance(inputs, Mapping):
            inputs = {name: inputs[name] for name in inputs if name not in labels}
        return super().predict_step((inputs,))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Give the model's own loss, or the compiled one of `y` and the logits."""
        if self.loss is not None:
            y, y_pred = self._compared(x, y, y_pred)
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        if isinstance(y_pred, tuple):
            raise ValueError("return_dict must be True to train, but is False.")
        if y_pred.loss is None:
            raise ValueError(
                f"{type(self).__name__} has no labels to train on: give "
                f"{' and '.join(self.labels_of.values())} among the inputs or as y, or "
                f"compile it with a loss of Keras."
            )
        return y_pred.loss + sum(self.losses)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> Any:
        """Update the compiled metrics with `y` and the logits and give all results."""
        y, y_pred = self._compared(x, y, y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Give what `from_config` builds a model of the same kind from."""
        return {
            "config": self.config.to_dict(),
            **{name: getattr(self, name) for name in self.own_arguments},
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Build a model, with new weights, from what `get_config` gave."""
        return cls(**{**config, "config": AlbertConfig.from_dict(config["config"])})

    def _with_labels(self, data: Any) -> tuple[Any, Any, Any]:
        """Put a batch's labels among its inputs if the model's own loss is used."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if self.words_field is not None:
            # The own loss does without; what Keras compares with `y` does not.
            inputs = x if isinstance(x, Mapping) else {"input_ids": x}
            read = self.loss is not None or self._compile_metrics is not None
            x = {"output_logits": read, **inputs}
        if self.loss is not None:
            return x, y, sample_weight
        name = type(self).__name__
        if not self.labels_of:
            raise ValueError(f"{name} has no loss of its own: compile it with one.")
        if sample_weight is not None:
            raise ValueError(
                f"the own loss of {name} takes no sample or class weights: compile it "
                f"with a loss of Keras for them."
            )
        inputs = dict(x) if isinstance(x, Mapping) else {"input_ids": x}
        labels = self._labels(y)
        if labels.keys() & inputs.keys():
            raise ValueError("labels must be among the inputs or in y, not in both.")
        return {**inputs, **labels}, y, None

    def _labels(self, y: Any) -> dict[str, Any]:
        """Name the labels in `y`: one tensor means `labels`."""
        if y is None:
            return {}
        known = tuple(self.labels_of.values())
        found = dict(y) if isinstance(y, Mapping) else {"labels": y}
        if not found.keys() <= set(known):
            raise ValueError(
                f"y must hold {' and '.join(known)}, but has {', '.join(found)}."
            )
        return found

    def _compared(self, x: Any, y: Any, y_pred: Any) -> tuple[Any, Any]:
        """Pair the labels with the outputs that they are for."""
        if not self.labels_of:
            return y, dict(y_pred)
        labels = {**(x if isinstance(x, Mapping) else {}), **self._labels(y)}
        fields = [field for field in self.labels_of if self.labels_of[field] in labels]
        targets = {field: labels[self.labels_of[field]] for field in fields}
        if self.labels_of.keys() == {"logits"}:
            return targets.get("logits"), y_pred.logits
        return targets, {field: y_pred.get(field) for field in fields}


@cache
def _arguments(model_class: type) -> tuple[str, ...]:
    """Name the arguments of a class' `call`."""
    call: Any = model_class.call  # pyright: ignore
    return tuple(inspect.signature(call).parameters)[1:]


def _named_inputs(
    model: str, names: Sequence[str], given: Sequence[Any], keywords: Mapping[str, Any]
) -> dict[str, Any]:
    """Give every argument of a call its name, and make tensors of arrays and lists.

    Args:
        model: name of the model's class, for the error text.
        names: arguments that the model takes, in order.
        given: positional arguments; the first may be a mapping that holds any of them.
        keywords: named arguments.

    Returns:
        The arguments by name.

    Raises:
        TypeError: an argument is not known or was given twice.
    """
    first: Mapping[str, Any] = {}
    if given and isinstance(given[0], Mapping):
        first, given = given[0], (None, *given[1:])
    if len(given) > len(names):
        raise TypeError(
            f"{model} takes {len(names)} positional arguments, but {len(given)} were "
            f"given."
        )
    found: dict[str, Any] = {}
    positional = zip(names, given, strict=False)
    for name, value in (*positional, *first.items(), *keywords.items()):
        if name not in names:
            raise TypeError(
                f"{model} has no input {name!r}; it takes {', '.join(names)}."
            )
        if found.get(name) is not None:
            raise TypeError(f"{model} was given {name} twice.")
        found[name] = _to_tensor(value)
    return found


def _to_tensor(value: Any) -> Any:
    if isinstance(value, list | tuple | np.ndarray):
        return tf.convert_to_tensor(value)
    return value


_UNFILLED: ContextVar[bool] = ContextVar("_UNFILLED", default=False)


@contextmanager
def _unfilled() -> Iterator[None]:
    """Build models whose weights will be read, not drawn."""
    token = _UNFILLED.set(True)
    try:
        yield
    finally:
        _UNFILLED.reset(token)


@contextmanager
def _on(device: str | None) -> Iterator[None]:
    """Work on a device, or else on the one that TensorFlow chooses."""
    with tf.device(device) if device else nullcontext():
        yield


def _fill(variable: Any, kind: names.Kind, deviation: float) -> None:
    if kind in (names.BIAS, names.SHIFT):
        variable.assign(tf.zeros(variable.shape))
    elif kind == names.SCALE:
        variable.assign(tf.ones(variable.shape))
    else:
        variable.assign(keras.random.truncated_normal(variable.shape, stddev=deviation))


def _target_dtype(dtype: Any, checkpoint: Checkpoint | None = None) -> str:
    name = "float32" if dtype is None else dtype_name(dtype)
    if name == "auto" and checkpoint is not None:
        name = checkpoint.dtype
    if name.removeprefix("mixed_") not in ("float64", "float32", "float16", "bfloat16"):
        raise ValueError(
            f"dtype must be float32, float16, bfloat16, float64 or 'auto', but is "
            f"{dtype!r}."
        )
    return name
