"""What every model has: its configuration, new weights, loading and saving.

Which weights there are, and what they are called, stands in `albert.common.names`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.core import FrozenDict, unfreeze
from flax.errors import InvalidRngError
from flax.traverse_util import flatten_dict, unflatten_dict

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.loading import dtype_name, load_arrays, prepare, take_dtype
from albert.common.opening import Checkpoint
from albert.common.publishing import push_model
from albert.common.saving import save_arrays, warn_of_unsaved
from albert.flax.devices import find_device
from albert.flax.fast.calls import call_compiled
from albert.flax.resizing import resize


class FlaxAlbertPreTrainedModel:
    """A model that has a configuration and can be loaded and saved.

    It holds a linen module and the weights to call it with.

    Args:
        config: the sizes and settings.
        input_shape: not used, since no weight's shape depends on the inputs'; users of
            transformers give it.
        seed: seed of the new weights.
        dtype: type of the computation, such as jnp.bfloat16.
        param_dtype: type of the weights.
        _do_init: whether to make weights; without, `params` must be given in each call.
        **own: arguments of the module beside these.

    Raises:
        TypeError: `config` is no `AlbertConfig`.
        ValueError: a value of it is bad.
    """

    config_class = AlbertConfig
    base_model_prefix = "albert"
    module_class: ClassVar[Any] = None
    own_arguments: ClassVar[tuple[str, ...]] = ()
    """Arguments of the constructor beside those that every model has."""
    words_field: ClassVar[str | None] = None
    """Field of the output that holds the scores of words, if there is one."""

    def __init__(
        self,
        config: AlbertConfig,
        input_shape: tuple[int, ...] = (1, 1),
        seed: int = 0,
        dtype: Any = jnp.float32,
        param_dtype: Any = jnp.float32,
        _do_init: bool = True,
        **own: Any,
    ) -> None:
        if not isinstance(config, AlbertConfig):
            raise TypeError(
                f"config must be an AlbertConfig, but is a {type(config).__name__}; to "
                f"load a checkpoint use {type(self).__name__}.from_pretrained."
            )
        config.validate()
        self.config = config
        self.module: nn.Module = self.module_class(
            config,
            dtype=_target_dtype("dtype", dtype),
            param_dtype=_target_dtype("param_dtype", param_dtype),
            **own,
        )
        self._params: dict[str, Any] | None = None
        if _do_init:
            self.params = self.init_weights(jax.random.key(seed), input_shape)

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
        param_dtype: Any = None,
        seed: int = 0,
        _do_init: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Build a model from a checkpoint.

        Args:
            pretrained_model_name_or_path: a folder, a weight file, the prefix of a
                TensorFlow checkpoint, a repository on the hub such as "owner/name",
                or "albert-demo"; docs/checkpoints.md lists the forms.
            config: used instead of the folder's.
            dtype: type of the computation, such as jnp.bfloat16 or "bfloat16"; "auto"
                for the file's; None for float32.
            device_map: the one device that the weights go to, such as "auto", the
                first accelerator or else the CPU; see `find_device`. None for JAX's
                default, from which they may move.
            ignore_mismatched_sizes: whether a head of another shape is made anew
                instead of raising.
            output_loading_info: whether to return the loading report, too.
            param_dtype: type of the weights, likewise.
            seed: seed of a head that the checkpoint lacks.
            _do_init: whether the model keeps the weights; without, they are returned
                beside it.
            **kwargs: fields of the configuration to set differently, such as
                `num_labels`; `add_pooling_layer`, for the bare model; where on the hub:
                `revision`, `token`, `cache_dir`, `local_files_only`, `subfolder`,
                `force_download`. `from_pt`, `trust_remote_code` and their like are
                not needed.

        Returns:
            The model, then its weights without `_do_init`, then a dictionary of lists
            of names with `output_loading_info`; a tuple if more than the model.

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
        # Without weights: every one comes from the file or is made below.
        model = cls(config, _do_init=False, **own)
        rows = model.weight_rows()
        arrays, report = load_arrays(checkpoint, config, rows, ignore_mismatched_sizes)
        target = _target_dtype("param_dtype", param_dtype, checkpoint)
        model.module = model.module.clone(
            dtype=_target_dtype("dtype", dtype, checkpoint), param_dtype=target
        )
        found = {
            model._path(row): _to_jax(
                arrays[row.canonical].read(transpose=row.kind.transpose), target, device
            )
            for row in rows
            if row.canonical in arrays
        }
        params: Any = unflatten_dict(found)
        if len(found) < len(rows):
            params = model.init_weights(jax.random.key(seed), params=params)
        if device is not None:
            params = jax.device_put(params, device)
        if _do_init:
            model.params = params
        results = (
            model,
            *(() if _do_init else (params,)),
            *((report.to_dict(),) if output_loading_info else ()),
        )
        return results if len(results) > 1 else model

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        params: Any = None,
        *,
        format: str = "safetensors",
        max_shard_size: int | str = "5GB",
    ) -> None:
        """Write `config.json` and the weights, which all frameworks load.

        The files take their places together: a reader sees the old checkpoint or the
        new one, even if this process is killed.

        Args:
            save_directory: a folder, made if need be.
            params: nested dictionary of weights to write instead of the model's own.
            format: "safetensors"; or "pt", "tf", "flax" for the files that
                transformers 4's classes of that framework write.
            max_shard_size: bytes, or a text such as "5GB"; weights beyond it are
                split over several files.

        Raises:
            OSError: the folder cannot be written to; nothing in it has changed.
            ValueError: `format` or `max_shard_size` is bad, or there are no weights.
        """
        held = self._check_saved(self.params if params is None else params)
        arrays = {
            row.canonical: row.to_framework(
                np.asarray(jax.device_get(held[self._path(row)])), "flax"
            )
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

    def push_to_hub(self, repo_id: str, params: Any = None, **arguments: Any) -> str:
        """Upload the model, with a card if the repository has none.

        Args:
            repo_id: "owner/name"; made if it is not there.
            params: nested dictionary of weights to upload instead of the model's own.
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
            lambda folder: self.save_pretrained(folder, params=params),
            self.config,
            self._table_name(),
            self.num_parameters(),
            repo_id,
            **arguments,
        )

    def weight_rows(self) -> tuple[names.Weight, ...]:
        """List this model's weights as the name table has them."""
        pooling = getattr(self.module, "add_pooling_layer", True)
        return names.weights(self.config, self._table_name(), pooling)

    def get_input_embeddings(self) -> jax.Array:
        """Give the word embedding table, [V, E]."""
        return self._get_weight(self.weight_rows()[0])

    def resize_token_embeddings(
        self,
        new_num_tokens: int | None = None,
        pad_to_multiple_of: int | None = None,
        mean_resizing: bool = True,
        seed: int = 0,
    ) -> jax.Array:
        """Make room for more tokens, or cut off the last ones.

        The other tokens' weights stay as they are. The masked-LM head follows: a new
        token's bias is the mean of the old ones. `config` becomes a copy with the new
        `vocab_size`; the object that the model was made with stays as it is. `params`
        and `module` are new; optimizers and compiled functions are to be made anew.

        Args:
            new_num_tokens: number of tokens, such as `len(tokenizer)`; None for the
                present one.
            pad_to_multiple_of: round it up to a multiple of this.
            mean_resizing: whether new rows are drawn closely around the mean of the
                old ones, or else as new weights are.
            seed: seed of the new rows.

        Returns:
            The word embedding table, [V, E].

        Raises:
            ValueError: a number is no whole one above 0, a special token would be cut
                off, or the model holds no weights.
        """
        resize(self, new_num_tokens, pad_to_multiple_of, mean_resizing, seed)
        return self.get_input_embeddings()

    def gradient_checkpointing_enable(
        self, gradient_checkpointing_kwargs: Mapping[str, Any] | None = None
    ) -> None:
        """Keep only the layers' inputs in training, and compute the rest again.

        A function that has been compiled keeps what it does.

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
        self.module = self.module.clone(gradient_checkpointing=True)

    def enable_gradient_checkpointing(self) -> None:
        """Do what `gradient_checkpointing_enable` does, as Flax users know it."""
        self.gradient_checkpointing_enable()

    def gradient_checkpointing_disable(self) -> None:
        """Keep all that the gradient needs, as at first."""
        self.module = self.module.clone(gradient_checkpointing=False)

    @property
    def is_gradient_checkpointing(self) -> bool:
        """Whether the layers are computed again for the gradient."""
        return self.module.gradient_checkpointing  # pyright: ignore

    def num_parameters(
        self, only_trainable: bool = False, exclude_embeddings: bool = False
    ) -> int:
        """Count the parameters, each shared one once.

        Args:
            only_trainable: whether those that get no gradient are left out; here
                all get one.
            exclude_embeddings: whether the three embedding tables are left out.

        Returns:
            The number of values.
        """
        return sum(
            int(np.prod(row.shape(self.config)))
            for row in self.weight_rows()
            if not (exclude_embeddings and row.kind == names.TABLE)
        )

    def get_memory_footprint(self, return_buffers: bool = True) -> int:
        """Count the bytes of the weights, each shared one once.

        Args:
            return_buffers: whether buffers count, too; there are none here.

        Returns:
            The number of bytes.

        Raises:
            ValueError: the model holds no weights.
        """
        return sum(array.nbytes for array in jax.tree.leaves(self.params))

    @property
    def dtype(self) -> Any:
        """Type of the computation."""
        return self.module.dtype  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def device(self) -> Any:
        """Where the weights are: a device, or a sharding over several."""
        return self.get_input_embeddings().device

    @property
    def param_dtype(self) -> Any:
        """Type of the weights."""
        return self.module.param_dtype  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def params(self) -> dict[str, Any]:
        """The weights, a nested dictionary.

        Raises:
            ValueError: the model was made without, or, on setting, one is missing.
        """
        if self._params is None:
            raise ValueError(
                "this model was made with _do_init=False and holds no weights: pass "
                "params, or make them with init_weights and set model.params."
            )
        return self._params

    @params.setter
    def params(self, params: Mapping[str, Any]) -> None:
        self._params = unflatten_dict(self._check_held(params))

    def init_weights(
        self,
        rng: jax.Array,
        input_shape: tuple[int, ...] = (1, 1),
        params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Make new random values of every weight.

        Matrices and tables: normal with deviation `initializer_range`, cut at twice
        that; biases 0, scales 1. Source: google-research/albert modeling.py,
        `create_initializer`.

        Args:
            rng: key of the randomness.
            input_shape: not used; see the class.
            params: nested dictionary of weights that are there already and stay.

        Returns:
            Nested dictionary of all weights.
        """
        held = _flat(params or {})
        made: dict[tuple[str, ...], Any] = {}
        for index, row in enumerate(self.weight_rows()):
            path = self._path(row)
            if path in held:
                made[path] = held[path]
                continue
            key = jax.random.fold_in(rng, index)
            made[path] = _new_weight(row, key, self.config, self.param_dtype)
        return unflatten_dict(made)

    def _run(
        self, params: Any, dropout_rng: jax.Array | None, train: bool, **inputs: Any
    ) -> Any:
        """Call the module with the weights and arrays that a call has."""
        inputs = {name: _to_array(name, given) for name, given in inputs.items()}
        params = self.params if params is None else params
        if not train:
            output = call_compiled(self.module, params, inputs)
            if output is not None:
                asked = inputs["return_dict"]
                wanted = self.config.return_dict if asked is None else asked
                return output if wanted else output.to_tuple()
        variables = {"params": params}
        rngs = {"dropout": dropout_rng} if train and dropout_rng is not None else None
        try:
            return self.module.apply(
                variables, **inputs, deterministic=not train, rngs=rngs
            )
        except InvalidRngError:
            raise ValueError(
                "train=True needs dropout_rng, a key such as jax.random.key(0), since "
                "the configuration has dropout."
            ) from None

    @classmethod
    def _table_name(cls) -> str:
        """Give the name in the table; a subclass of a user's has its parent's."""
        bare = (base.__name__.removeprefix("Flax") for base in cls.__mro__)
        return next(name for name in bare if name in names.PARTS)

    def _check_saved(self, params: Any) -> dict[tuple[str, ...], Any]:
        """Give the weights by path; warn of what a file will not hold."""
        held = self._check_held(params)
        known = {self._path(row) for row in self.weight_rows()}
        warn_of_unsaved("/".join(path) for path in held if path not in known)
        return held

    def _check_held(self, params: Any) -> dict[tuple[str, ...], Any]:
        """Give the weights by path; refuse if one is missing."""
        if not isinstance(params, Mapping):
            raise ValueError(
                f"params must be a nested dictionary of weights, but is a "
                f"{type(params).__name__}."
            )
        held = _flat(params)
        paths = [self._path(row) for row in self.weight_rows()]
        missing = ["/".join(path) for path in paths if path not in held]
        if missing:
            raise ValueError(f"params must hold {', '.join(missing)}, too.")
        return held

    def _get_weight(self, row: names.Weight) -> jax.Array:
        return _flat(self.params)[self._path(row)]

    def _path(self, row: names.Weight) -> tuple[str, ...]:
        return row.path("flax", base=self._table_name() == "AlbertModel")


def _flat(params: Mapping[str, Any]) -> dict[tuple[str, ...], Any]:
    """Give the weights by path, of plain or frozen dictionaries."""
    plain = unfreeze(params) if isinstance(params, FrozenDict) else dict(params)
    return dict(flatten_dict(plain))


def _new_weight(
    row: names.Weight, key: jax.Array, config: AlbertConfig, dtype: Any
) -> jax.Array:
    shape = row.shape(config)
    shape = shape[::-1] if row.kind.transpose else shape
    if row.kind in (names.BIAS, names.SHIFT):
        return jnp.zeros(shape, dtype)
    if row.kind is names.SCALE:
        return jnp.ones(shape, dtype)
    return nn.initializers.truncated_normal(config.initializer_range)(key, shape, dtype)


def _target_dtype(name: str, dtype: Any, checkpoint: Checkpoint | None = None) -> Any:
    found = "float32" if dtype is None else dtype_name(dtype)
    if found == "auto" and checkpoint is not None:
        found = checkpoint.dtype
    if found not in ("float64", "float32", "float16", "bfloat16"):
        raise ValueError(
            f"{name} must be float32, float16, bfloat16, float64 or 'auto', but is "
            f"{dtype!r}."
        )
    if found == "float64" and not jax.config.read("jax_enable_x64"):
        raise ValueError(
            f"{name} float64 needs jax.config.update('jax_enable_x64', True): JAX "
            f"would make it float32."
        )
    return jnp.dtype(found)


def _to_jax(array: np.ndarray, dtype: Any, device: Any) -> jax.Array:
    # NumPy casts, since JAX would compile a program for each shape. A CPU shares the
    # memory, which `LazyArray.read` has made for this array alone.
    return jax.device_put(array.astype(dtype, copy=False), device)


def _to_array(name: str, given: Any) -> Any:
    """Turn lists and the like into arrays; leave arrays, flags and None alone."""
    if given is None or isinstance(given, (bool, jax.Array, np.ndarray)):
        return given
    if isinstance(given, Mapping):
        raise TypeError(
            f"{name} must be an array, but is a {type(given).__name__}; the batch of a "
            f"tokenizer goes in as model(**batch)."
        )
    return np.asarray(given)
