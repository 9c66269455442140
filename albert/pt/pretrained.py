"""What every model has: its configuration, new weights, loading and saving.

Which weights there are, and what they are called, stands in `albert.common.names`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from albert.common import names
from albert.common.config import AlbertConfig
from albert.common.loading import dtype_name, load_arrays, prepare, take_dtype
from albert.common.opening import Checkpoint
from albert.common.publishing import push_model
from albert.common.saving import save_arrays, warn_of_unsaved
from albert.pt.devices import find_device
from albert.pt.resizing import _check_unquantized, resize

_CHECKPOINTING = (
    "context_fn",
    "debug",
    "determinism_check",
    "early_stop",
    "preserve_rng_state",
    "use_reentrant",
)


class AlbertPreTrainedModel(nn.Module):
    """A model that has a configuration and can be loaded and saved.

    Args:
        config: the sizes and settings.

    Raises:
        TypeError: `config` is no `AlbertConfig`.
        ValueError: a value of it is bad.
    """

    config_class = AlbertConfig
    base_model_prefix = "albert"
    own_arguments: ClassVar[tuple[str, ...]] = ()
    """Arguments of the constructor beside `config`."""
    words_field: ClassVar[str | None] = None
    """Field of the output that holds the scores of words, if there is one."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        if not isinstance(config, AlbertConfig):
            raise TypeError(
                f"config must be an AlbertConfig, but is a {type(config).__name__}; to "
                f"load a checkpoint use {type(self).__name__}.from_pretrained."
            )
        config.validate()
        self.config = config

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        config: AlbertConfig | None = None,
        dtype: str | torch.dtype | None = None,
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
            dtype: type of the weights, such as torch.bfloat16 or "bfloat16"; "auto"
                for the file's; None for float32.
            device_map: the one device that the weights go to, such as "auto", the
                first accelerator or else the CPU; see `find_device`. None for the CPU.
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
        # Without storage: every weight comes from the file or is made below. A class of
        # a user's may have others, which its constructor must make.
        bare = cls.__module__.startswith("albert.pt.")
        with torch.device("meta") if bare else nullcontext():
            model = cls(config, **own)
        rows = model.weight_rows()
        arrays, report = load_arrays(checkpoint, config, rows, ignore_mismatched_sizes)
        target = _target_dtype(dtype, checkpoint)
        for row in rows:
            if row.canonical in arrays:
                tensor = torch.from_numpy(arrays[row.canonical].read())
                model._set_weight(row, tensor.to(device, target))
        model._make_missing(target)
        model.to(device).eval()
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
            row.canonical: _to_numpy(self._get_weight(row))
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
        """Give the bare `AlbertModel` inside, or the model itself if it is one."""
        return getattr(self, self.base_model_prefix, self)

    def get_input_embeddings(self) -> nn.Embedding:
        """Give the word embedding layer."""
        return self.get_base_model().embeddings.word_embeddings

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        """Put another word embedding layer in place, and tie the output layer to it."""
        self.get_base_model().embeddings.word_embeddings = value
        self.tie_weights()

    def get_output_embeddings(self) -> nn.Module | None:
        """Give the masked-LM head's output layer; None if there is no such head."""
        head = getattr(self, "predictions", None)
        return None if head is None else head.decoder

    def resize_token_embeddings(
        self,
        new_num_tokens: int | None = None,
        pad_to_multiple_of: int | None = None,
        mean_resizing: bool = True,
    ) -> nn.Embedding:
        """Make room for more tokens, or cut off the last ones.

        The other tokens' weights stay as they are. The masked-LM head follows: a new
        token's bias is the mean of the old ones. `config` becomes a copy with the new
        `vocab_size`; the object that the model was made with stays as it is. An
        optimizer is to be made after this.

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
                cut off, or the model is quantised or on the meta device.
        """
        resize(self, new_num_tokens, pad_to_multiple_of, mean_resizing)
        return self.get_input_embeddings()

    def gradient_checkpointing_enable(
        self, gradient_checkpointing_kwargs: Mapping[str, Any] | None = None
    ) -> None:
        """Keep only the layers' inputs in training, and compute the rest again.

        Args:
            gradient_checkpointing_kwargs: of `torch.utils.checkpoint.checkpoint`;
                without `use_reentrant` it is False.

        Raises:
            ValueError: there is no such argument.
        """
        given = dict(gradient_checkpointing_kwargs or {})
        unknown = sorted(given.keys() - set(_CHECKPOINTING))
        if unknown:
            raise ValueError(
                f"gradient_checkpointing_kwargs must be among "
                f"{', '.join(_CHECKPOINTING)}, but has {', '.join(unknown)}."
            )
        encoder = self.get_base_model().encoder
        encoder.gradient_checkpointing = {"use_reentrant": False, **given}

    def gradient_checkpointing_disable(self) -> None:
        """Keep all that the gradient needs, as at first."""
        self.get_base_model().encoder.gradient_checkpointing = None

    @property
    def is_gradient_checkpointing(self) -> bool:
        """Whether the layers are computed again for the gradient."""
        return self.get_base_model().encoder.gradient_checkpointing is not None

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
            id(module.weight)
            for module in self.modules()
            if exclude_embeddings and isinstance(module, nn.Embedding)
        ]
        return sum(
            parameter.numel()
            for parameter in self.parameters()
            if id(parameter) not in tables
            and (parameter.requires_grad or not only_trainable)
        )

    def get_memory_footprint(self, return_buffers: bool = True) -> int:
        """Count the bytes of the weights, each shared one once.

        Those that `torch.ao.quantization` has packed count as packed.

        Args:
            return_buffers: whether buffers count, too.

        Returns:
            The number of bytes.
        """
        held = [*self.parameters(), *(self.buffers() if return_buffers else ())]
        for module in self.modules():
            held += _packed(module)
        return sum(tensor.numel() * tensor.element_size() for tensor in held)

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.get_input_embeddings().weight.dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.get_input_embeddings().weight.device

    def init_weights(self) -> None:
        """Fill every weight with new random values and tie the shared ones.

        Matrices and tables: normal with deviation `initializer_range`, cut at twice
        that; biases 0, scales 1. Source: google-research/albert modeling.py,
        `create_initializer`.
        """
        self.tie_weights()
        if self.get_input_embeddings().weight.is_meta:
            return
        for module in self.modules():
            _fill(module, self.config.initializer_range)

    def tie_weights(self) -> None:
        """Make the output layer's matrix and bias those that they are tied to."""
        head = getattr(self, "predictions", None)
        if head is not None:
            head.decoder.weight = self.get_input_embeddings().weight
            head.decoder.bias = head.bias

    @classmethod
    def _table_name(cls) -> str:
        """Give the name in the table; a subclass of a user's has its parent's."""
        return next(
            base.__name__ for base in cls.__mro__ if base.__name__ in names.PARTS
        )

    def _check_saved(self) -> None:
        """Refuse what a file cannot hold; warn of what it will not."""
        head = getattr(self, "predictions", None)
        table = self.get_input_embeddings().weight
        if table.is_meta:
            raise ValueError("a model on the meta device has no weights to save.")
        _check_unquantized(self, "saved")
        if head is not None and not (
            head.decoder.weight is table and head.decoder.bias is head.bias
        ):
            raise ValueError(
                "the masked-LM head's decoder must share the word embeddings and the "
                "head's bias, but has weights of its own: call tie_weights() first."
            )
        known = {".".join(self._path(row)) for row in self.weight_rows()}
        # Each shared one is named once, by its first name.
        held = [name for name, _ in self.named_parameters()]
        held += [name for name, _ in self.named_buffers()]
        warn_of_unsaved(name for name in held if name not in known)

    def _get_weight(self, row: names.Weight) -> torch.Tensor:
        return self.get_parameter(".".join(self._path(row)))

    def _set_weight(self, row: names.Weight, tensor: torch.Tensor) -> None:
        *module, leaf = self._path(row)
        parameter = nn.Parameter(tensor)
        setattr(self.get_submodule(".".join(module)), leaf, parameter)

    def _path(self, row: names.Weight) -> tuple[str, ...]:
        return row.path("pt", base=self.get_base_model() is self)

    def _make_missing(self, dtype: torch.dtype) -> None:
        """Make anew what the checkpoint had not, and tie."""
        self.tie_weights()
        for module in self.modules():
            for name, parameter in module.named_parameters(recurse=False):
                if parameter.is_meta:
                    module._parameters[name] = nn.Parameter(
                        torch.empty_like(parameter, dtype=dtype, device="cpu")
                    )
                    _fill(module, self.config.initializer_range, only=name)
        self.tie_weights()


def _packed(module: nn.Module) -> list[torch.Tensor]:
    """Give the tensors that a module holds packed, those of quantisation."""
    if not isinstance(getattr(module, "_packed_params", None), torch.ScriptObject):
        return []
    weight, bias = module._weight_bias()  # type: ignore
    # It is unpacked as float32 even if it is packed as float16.
    weight = weight.half() if module.dtype == torch.float16 else weight
    return [weight] if bias is None else [weight, bias]


def _fill(module: nn.Module, deviation: float, only: str | None = None) -> None:
    for name, parameter in module.named_parameters(recurse=False):
        if only not in (None, name):
            continue
        if name == "bias":
            nn.init.zeros_(parameter)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(parameter)
        else:
            nn.init.trunc_normal_(
                parameter, std=deviation, a=-2 * deviation, b=2 * deviation
            )


def _target_dtype(
    dtype: str | torch.dtype | None, checkpoint: Checkpoint | None = None
) -> torch.dtype:
    name = "float32" if dtype is None else dtype_name(dtype)
    if name == "auto" and checkpoint is not None:
        name = checkpoint.dtype
    if name not in ("float64", "float32", "float16", "bfloat16"):
        raise ValueError(
            f"dtype must be float32, float16, bfloat16, float64 or 'auto', but is "
            f"{dtype!r}."
        )
    return getattr(torch, name)


def _to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """Give an array that the writer knows; bfloat16 as raw 2-byte items."""
    tensor = tensor.detach().cpu().contiguous()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view("V2")
    return tensor.numpy()
