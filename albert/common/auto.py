"""Classes that transformers' users name before they know the model: here ALBERT's."""

from __future__ import annotations

import os
from typing import Any, ClassVar, cast

from albert.common.config import CONFIG_FILES, CONFIG_NAME, AlbertConfig, read_json
from albert.common.hub import Location, find_files
from albert.common.loading import NOT_NEEDED, take_dtype

# Chinese ALBERTs have BERT's; the last two are what transformers 4 and 5 call a class
# that is made of a tokenizer.json alone.
_TOKENIZERS = (
    "AlbertTokenizer",
    "BertTokenizer",
    "PreTrainedTokenizer",
    "TokenizersBackend",
)


class AutoClass:
    """What every Auto class has: it makes others, and is never made itself.

    Args:
        *arguments: none helps.
        **named: likewise.

    Raises:
        OSError: always; the text says what to call instead.
    """

    makers: ClassVar[tuple[str, ...]] = ("from_pretrained",)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        name = type(self).__name__
        calls = " or ".join(f"{name}.{maker}(...)" for maker in self.makers)
        raise OSError(f"{name} makes objects of other classes: call {calls}.")


class AutoConfig(AutoClass):
    """Gives the configuration of a checkpoint, an `AlbertConfig`."""

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | os.PathLike[str], **kwargs: Any
    ) -> AlbertConfig:
        """Read a configuration; see `AlbertConfig.from_pretrained`.

        Args:
            pretrained_model_name_or_path: a folder, a repository on the hub such as
                "owner/name", or "albert-demo".
            **kwargs: fields to set differently; where on the hub: `revision`, `token`
                and the like. `trust_remote_code` is not needed.

        Returns:
            The configuration.

        Raises:
            OSError: no such folder or repository, or no configuration in it.
            ValueError: it is another model's; the text says which.
        """
        return AlbertConfig.from_pretrained(
            pretrained_model_name_or_path, **_needed(kwargs)
        )


class AutoTokenizer(AutoClass):
    """Gives the tokenizer of a checkpoint."""

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        use_fast: bool = True,
        config: AlbertConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        """Load a tokenizer.

        Args:
            pretrained_model_name_or_path: a folder with a vocabulary, a repository on
                the hub such as "owner/name", or "albert-demo".
            use_fast: whether to give `AlbertTokenizerFast`, or else
                `AlbertTokenizer`; their ids are the same.
            config: the model's; not needed.
            **kwargs: settings to use instead of the folder's; where on the hub:
                `revision`, `token` and the like. `trust_remote_code` is not needed.

        Returns:
            The tokenizer.

        Raises:
            OSError: no such folder or repository, or no vocabulary in it.
            TypeError: there is no such setting.
            ValueError: the folder is of another model; the text says which.
        """
        from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast

        kwargs = _needed(kwargs)
        _refuse_others(pretrained_model_name_or_path, kwargs)
        chosen = AlbertTokenizerFast if use_fast else AlbertTokenizer
        return chosen.from_pretrained(pretrained_model_name_or_path, **kwargs)


class AutoModelClass(AutoClass):
    """What the Auto classes of models have; each backend says how it builds one."""

    makers = ("from_pretrained", "from_config")
    model_class: ClassVar[Any]

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | os.PathLike[str], **kwargs: Any
    ) -> Any:
        """Build a model from a checkpoint.

        Args:
            pretrained_model_name_or_path: a folder, a weight file, a repository on the
                hub such as "owner/name", or "albert-demo".
            **kwargs: as the model's own `from_pretrained` has them: `config`, `dtype`
                or `torch_dtype`, `device_map`, `attn_implementation`, `num_labels`,
                `revision` and so on.

        Returns:
            The model, in inference mode.

        Raises:
            OSError: no such folder, repository, configuration or weight file.
            ValueError: the checkpoint is of another model, the text says which; the
                weights do not fit, or a value is bad.
            TypeError: an argument is not known.
        """
        return cls.model_class.from_pretrained(pretrained_model_name_or_path, **kwargs)

    @classmethod
    def from_config(cls, config: AlbertConfig, **kwargs: Any) -> Any:
        """Build a model with new weights.

        Args:
            config: the sizes and settings.
            **kwargs: `dtype` or `torch_dtype`, as `from_pretrained` has it, but "auto"
                means None; `attn_implementation`; and the constructor's arguments
                beside `config`.

        Returns:
            The model.

        Raises:
            TypeError: `config` is no `AlbertConfig`, or an argument is not known.
            ValueError: a value is bad.
        """
        kwargs = _needed(kwargs)
        dtype = take_dtype(kwargs.pop("dtype", None), kwargs)
        if isinstance(dtype, str) and dtype == "auto":
            dtype = None
        attention = kwargs.pop("attn_implementation", None)
        if attention is not None and isinstance(cast("Any", config), AlbertConfig):
            config = config.replace(attn_implementation=attention)
        return cls._build(config, dtype, **kwargs)

    @classmethod
    def _build(cls, config: AlbertConfig, dtype: Any, **arguments: Any) -> Any:
        """Build a model of a type; None for the framework's own."""
        raise NotImplementedError


def _needed(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: arguments[name] for name in arguments if name not in NOT_NEEDED}


def _refuse_others(name: str | os.PathLike[str], arguments: dict[str, Any]) -> None:
    """Refuse a folder that says itself that it is another model's."""
    from albert.common.tokenization.source import CONFIG as TOKENIZER_CONFIG

    files = find_files(name, Location.take(dict(arguments)))
    beside = [one for one in (*CONFIG_FILES, TOKENIZER_CONFIG) if one in files.names]
    if not beside:
        return
    folder = files.fetch(beside)
    if CONFIG_NAME in beside:
        AlbertConfig.from_folder(folder)
    if TOKENIZER_CONFIG in beside:
        kind = read_json(folder / TOKENIZER_CONFIG).get("tokenizer_class")
        if isinstance(kind, str) and kind.removesuffix("Fast") not in _TOKENIZERS:
            raise ValueError(
                f"{files.label} holds the vocabulary of a {kind} (tokenizer_class in "
                f"{TOKENIZER_CONFIG}), which gives other ids than ALBERT's tokenizer; "
                f"it must be that of {' or '.join(_TOKENIZERS)}."
            )
