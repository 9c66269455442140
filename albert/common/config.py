"""The one configuration of all three frameworks, equal to the hub's `config.json`."""

from __future__ import annotations

import copy
import difflib
import inspect
import json
import os
import warnings
from collections.abc import Mapping
from typing import Any, cast

from albert.common import keras_hub
from albert.common.activations import ACTIVATIONS
from albert.common.files import make_folder, write_text
from albert.common.hub import Location, find_files

CONFIG_NAME = "config.json"
GOOGLE_CONFIG_NAME = "albert_config.json"
CONFIG_FILES = (CONFIG_NAME, GOOGLE_CONFIG_NAME, keras_hub.TASK_FILE)
"""What a configuration is read from: one of the first two; KerasHub has the third."""

PROBLEM_TYPES = (
    "regression",
    "single_label_classification",
    "multi_label_classification",
)

_GENERAL_DEFAULTS: dict[str, Any] = {
    "architectures": None,
    "output_attentions": False,
    "output_hidden_states": False,
    "return_dict": True,
    "tie_word_embeddings": True,
    "problem_type": None,
    "prediction_layer_norm_eps": None,
    "attn_implementation": "sdpa",
}

# How a machine shall compute, not what the model is: never written to a file.
_UNSAVED = ("attn_implementation",)

ATTENTIONS = ("sdpa", "eager")

_POSITIVE = (
    "vocab_size",
    "embedding_size",
    "hidden_size",
    "num_hidden_layers",
    "num_hidden_groups",
    "num_attention_heads",
    "intermediate_size",
    "inner_group_num",
    "max_position_embeddings",
    "type_vocab_size",
)
_PROBABILITIES = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout_prob",
)
_FLAGS = ("output_attentions", "output_hidden_states", "return_dict")
_MAX_LABELS = 1_000_000
_TOKEN_IDS = ("pad_token_id", "bos_token_id", "eos_token_id")
_LABELS = ("id2label", "label2id", "num_labels")

# Keys that only transformers writes: a dictionary with none of them is Google's.
_NOT_GOOGLE = frozenset(
    ("model_type", "architectures", "layer_norm_eps", "transformers_version")
)
_GOOGLE_ACTIVATIONS = {"gelu": "gelu_new", "": "linear", None: "linear"}


class AlbertConfig:
    """The sizes and settings of an ALBERT model.

    The defaults are those of transformers' `AlbertConfig`, which are xxlarge's; for
    the published models use `AlbertConfig.preset("albert-base-v2")`.

    Args:
        vocab_size: int, V, number of word pieces.
        embedding_size: int, E, width of the three embedding tables.
        hidden_size: int, H, width of the encoder; a multiple of the heads.
        num_hidden_layers: int, number of layer applications.
        num_hidden_groups: int, number of groups of layers that share parameters.
        num_attention_heads: int, N.
        intermediate_size: int, I, width of the feed-forward step.
        inner_group_num: int, number of blocks run, one after another, in a layer.
        hidden_act: str, a name of `albert.common.activations.ACTIVATIONS`.
        hidden_dropout_prob: float in [0, 1), for embeddings, attention output and
            feed-forward output.
        attention_probs_dropout_prob: float in [0, 1), for attention probabilities.
        max_position_embeddings: int, greatest sequence length.
        type_vocab_size: int, number of segments.
        initializer_range: float, standard deviation of new weights.
        layer_norm_eps: float, added to the variance inside the root.
        classifier_dropout_prob: float in [0, 1), before the classification heads.
        position_embedding_type: str, "absolute"; no other kind was ever published.
        pad_token_id: int or None.
        bos_token_id: int or None.
        eos_token_id: int or None.
        **kwargs: the settings that every transformers configuration has
            (`output_attentions`, `output_hidden_states`, `return_dict`,
            `problem_type`, `num_labels`, `id2label`, `label2id`, `architectures`,
            `tie_word_embeddings`), and further keys, kept as attributes and saved;
            `prediction_layer_norm_eps`, another epsilon for the masked-LM head, which
            models from KerasHub have;
            `attn_implementation`, "sdpa" or "eager", which PyTorch's models read
            (the others have one attention) and which is not saved.

    Raises:
        ValueError: a value is out of range or two values disagree.
        TypeError: an argument looks like a misspelt field.

    Source: google-research/albert modeling.py `AlbertConfig`; ALBERT paper, table 1.
    """

    model_type = "albert"

    vocab_size: int
    embedding_size: int
    hidden_size: int
    num_hidden_layers: int
    num_hidden_groups: int
    num_attention_heads: int
    intermediate_size: int
    inner_group_num: int
    hidden_act: str
    hidden_dropout_prob: float
    attention_probs_dropout_prob: float
    max_position_embeddings: int
    type_vocab_size: int
    initializer_range: float
    layer_norm_eps: float
    classifier_dropout_prob: float
    position_embedding_type: str
    pad_token_id: int | None
    bos_token_id: int | None
    eos_token_id: int | None
    architectures: list[str] | None
    output_attentions: bool
    output_hidden_states: bool
    return_dict: bool
    tie_word_embeddings: bool
    problem_type: str | None
    prediction_layer_norm_eps: float | None
    attn_implementation: str
    id2label: dict[int, str]
    label2id: dict[str, int]

    def __init__(
        self,
        vocab_size: int = 30000,
        embedding_size: int = 128,
        hidden_size: int = 4096,
        num_hidden_layers: int = 12,
        num_hidden_groups: int = 1,
        num_attention_heads: int = 64,
        intermediate_size: int = 16384,
        inner_group_num: int = 1,
        hidden_act: str = "gelu_new",
        hidden_dropout_prob: float = 0.0,
        attention_probs_dropout_prob: float = 0.0,
        max_position_embeddings: int = 512,
        type_vocab_size: int = 2,
        initializer_range: float = 0.02,
        layer_norm_eps: float = 1e-12,
        classifier_dropout_prob: float = 0.1,
        position_embedding_type: str = "absolute",
        pad_token_id: int | None = 0,
        bos_token_id: int | None = 2,
        eos_token_id: int | None = 3,
        **kwargs: Any,
    ) -> None:
        arguments = locals()
        for name in kwargs:
            _refuse_misspelling(name)
        kwargs.pop("model_type", None)
        for name in _MODEL_DEFAULTS:
            setattr(self, name, arguments[name])
        for name, default in _GENERAL_DEFAULTS.items():
            setattr(self, name, kwargs.pop(name, default))
        labels = {name: kwargs.pop(name, None) for name in _LABELS}
        self.id2label, self.label2id = _label_maps(**labels)
        self._keep(kwargs)
        self.validate()
        self._warn_of_xxlarge_sizes()

    @property
    def num_labels(self) -> int:
        """Number of labels, as the label maps have it; setting it renames them."""
        return len(self.id2label)

    @num_labels.setter
    def num_labels(self, number: int) -> None:
        if number != self.num_labels:
            self.id2label, self.label2id = _label_maps(None, None, number)

    @property
    def head_size(self) -> int:
        """D, the width of one attention head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def layer_groups(self) -> tuple[int, ...]:
        """The parameter group that each layer application uses.

        Source: google-research/albert modeling.py, `transformer_model`: true division
        in floating point, then truncation, whose rounding is kept on purpose.
        """
        layers, groups = self.num_hidden_layers, self.num_hidden_groups
        return tuple(int(layer / layers * groups) for layer in range(layers))

    @property
    def predictions_eps(self) -> float:
        """Epsilon of the norm in the masked-LM head."""
        own = self.prediction_layer_norm_eps
        return self.layer_norm_eps if own is None else own

    def validate(self) -> None:
        """Check every value; models call this before they are built.

        Raises:
            ValueError: a value is out of range or two values disagree.
        """
        for name in _POSITIVE:
            _check_integer(name, getattr(self, name), 1)
        for name in _TOKEN_IDS:
            if getattr(self, name) is not None:
                _check_integer(name, getattr(self, name), 0)
        for name in _PROBABILITIES:
            value = _check_number(name, getattr(self, name))
            if not 0 <= value < 1:
                raise ValueError(
                    f"{name} must be at least 0 and below 1, but is {value!r}."
                )
        for name in ("initializer_range", "layer_norm_eps", "predictions_eps"):
            value = _check_number(name, getattr(self, name))
            if not 0 < value < float("inf"):
                raise ValueError(f"{name} must be above 0, but is {value!r}.")
        for name in _FLAGS:
            if not isinstance(getattr(self, name), bool):
                raise ValueError(
                    f"{name} must be True or False, but is {getattr(self, name)!r}."
                )
        self._check_choices()

    def _keep(self, unknown: Mapping[str, Any]) -> None:
        """Hold keys that mean nothing to the model, to save them again."""
        for name, value in unknown.items():
            if hasattr(type(self), name):
                raise ValueError(f"the configuration key {name!r} is reserved.")
            setattr(self, name, value)

    def _check_choices(self) -> None:
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size must be a multiple of num_attention_heads, but "
                f"{self.hidden_size} is not a multiple of {self.num_attention_heads}."
            )
        if self.num_hidden_groups > self.num_hidden_layers:
            raise ValueError(
                f"num_hidden_groups must be at most num_hidden_layers, but "
                f"{self.num_hidden_groups} is more than {self.num_hidden_layers}."
            )
        # A list, since what a file holds may be of a type that no set can look up.
        if self.hidden_act not in list(ACTIVATIONS):
            raise ValueError(
                f"hidden_act must be one of {', '.join(ACTIVATIONS)}, but is "
                f"{self.hidden_act!r}."
            )
        if self.position_embedding_type != "absolute":
            raise ValueError(
                "position_embedding_type must be 'absolute', the only kind that ALBERT "
                f"has, but is {self.position_embedding_type!r}."
            )
        if self.tie_word_embeddings is not True:
            raise ValueError(
                "tie_word_embeddings must be True: ALBERT's output layer is its word "
                f"embedding table, but it is {self.tie_word_embeddings!r}."
            )
        if self.attn_implementation not in ATTENTIONS:
            raise ValueError(
                f"attn_implementation must be one of {', '.join(ATTENTIONS)}, but is "
                f"{self.attn_implementation!r}."
            )
        if self.problem_type not in (None, *PROBLEM_TYPES):
            raise ValueError(
                f"problem_type must be None or one of {', '.join(PROBLEM_TYPES)}, but "
                f"is {self.problem_type!r}."
            )
        _label_maps(self.id2label, self.label2id, None)

    def _warn_of_xxlarge_sizes(self) -> None:
        """Point out a narrow model that got xxlarge's other sizes by default."""
        if self.hidden_size == _MODEL_DEFAULTS["hidden_size"]:
            return
        if self.intermediate_size == _MODEL_DEFAULTS["intermediate_size"]:
            warnings.warn(
                f"hidden_size is {self.hidden_size} but intermediate_size is "
                f"{self.intermediate_size}, xxlarge's default; ALBERT uses 4 times "
                f"hidden_size, {4 * self.hidden_size}.",
                stacklevel=3,
            )

    @classmethod
    def preset(cls, name: str, **overrides: Any) -> AlbertConfig:
        """Give the configuration of a published model.

        Args:
            name: str, one of `albert.common.presets.PRESETS`, such as "albert-base-v2".
            **overrides: fields to set differently.

        Returns:
            A new configuration.

        Raises:
            ValueError: there is no such preset.
        """
        from albert.common.presets import PRESETS

        if name not in PRESETS:
            raise ValueError(
                f"preset must be one of {', '.join(PRESETS)}, but is {name!r}."
            )
        values: dict[str, Any] = {**PRESETS[name], **overrides}
        return cls(**values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], **overrides: Any) -> AlbertConfig:
        """Make a configuration from the keys of a `config.json`.

        A dictionary with none of transformers' own keys is taken for Google's
        `albert_config.json`, whose "gelu" is the tanh form (`gelu_new` here).

        Args:
            values: mapping of keys to values; unknown keys are kept and saved again.
            **overrides: fields to set differently.

        Returns:
            A new configuration.

        Raises:
            ValueError: it is another model's configuration, or a value is bad.
        """
        if keras_hub.is_preset(values):
            values = keras_hub.translate(values)
        found = dict(values)
        model_type = found.pop("model_type", cls.model_type)
        if model_type != cls.model_type:
            raise ValueError(
                f"model_type must be 'albert', but this is the configuration of a "
                f"{model_type!r} model, which this package cannot hold."
            )
        if _NOT_GOOGLE.isdisjoint(values):
            found = _from_google(found)
        for name in overrides:
            _refuse_misspelling(name)
        if overrides.keys() & _LABELS:
            for name in _LABELS:
                found.pop(name, None)
        found.update(overrides)
        unknown = {name: found.pop(name) for name in list(found) if not _is_field(name)}
        config = cls(**found)
        config._keep(unknown)
        return config

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | os.PathLike[str], **overrides: Any
    ) -> AlbertConfig:
        """Read `config.json` (or Google's `albert_config.json`) and nothing else.

        Args:
            pretrained_model_name_or_path: a folder, a repository on the hub such as
                "owner/name", or "albert-demo".
            **overrides: fields to set differently; and where on the hub, by the names
                of `albert.common.hub.Location`: `revision`, `token`, `cache_dir`,
                `local_files_only`, `subfolder`, `force_download`.

        Returns:
            A new configuration.

        Raises:
            OSError: no such folder or repository, no configuration in it, or the hub
                does not give it; the text says why.
            ValueError: the file is not a JSON object, or a value is bad.
        """
        location = Location.take(overrides)
        files = find_files(pretrained_model_name_or_path, location)
        wanted = [name for name in CONFIG_FILES if name in files.names]
        if not set(wanted) & {CONFIG_NAME, GOOGLE_CONFIG_NAME}:
            raise FileNotFoundError(
                f"{files.label} holds neither {CONFIG_NAME} nor {GOOGLE_CONFIG_NAME}."
            )
        return cls.from_folder(files.fetch(wanted), **overrides)

    @classmethod
    def from_folder(
        cls, folder: str | os.PathLike[str], **overrides: Any
    ) -> AlbertConfig:
        """Read the configuration in a folder of this machine; see `from_pretrained`."""
        found = [n for n in CONFIG_FILES if os.path.isfile(os.path.join(folder, n))]
        if not found or found[0] == keras_hub.TASK_FILE:
            raise FileNotFoundError(
                f"{os.fspath(folder)!r} holds neither {CONFIG_NAME} nor "
                f"{GOOGLE_CONFIG_NAME}."
            )
        values = read_json(os.path.join(folder, found[0]))
        if keras_hub.is_preset(values):
            task = found[-1] == keras_hub.TASK_FILE
            values = keras_hub.translate(
                values, read_json(os.path.join(folder, found[-1])) if task else None
            )
        return cls.from_dict(values, **overrides)

    @classmethod
    def from_json_file(
        cls, json_file: str | os.PathLike[str], **overrides: Any
    ) -> AlbertConfig:
        """Read one JSON file; see `from_dict`."""
        return cls.from_dict(read_json(json_file), **overrides)

    def to_dict(self) -> dict[str, Any]:
        """Give every key that `save_pretrained` writes.

        General settings and label maps are there if they differ from the defaults.
        """
        values = {**vars(self), "model_type": self.model_type}
        for name, default in _GENERAL_DEFAULTS.items():
            if name in _UNSAVED or values[name] == default:
                del values[name]
        if (self.id2label, self.label2id) == _label_maps(None, None, 2):
            del values["id2label"], values["label2id"]
        return json.loads(json.dumps(values))

    def replace(self, **overrides: Any) -> AlbertConfig:
        """Give a copy with some fields set differently.

        Args:
            **overrides: fields; label settings replace all three of their kind.

        Returns:
            A new configuration.

        Raises:
            ValueError: a value is bad.
            TypeError: it is no field of this configuration.
        """
        for name in overrides:
            if not hasattr(self, name):
                _refuse_misspelling(name)
                raise TypeError(f"AlbertConfig has no field {name!r}.")
        return type(self).from_dict(
            {"model_type": self.model_type, **copy.deepcopy(vars(self))}, **overrides
        )

    def to_json_string(self) -> str:
        """Give the text of `config.json`."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Write `config.json`.

        Args:
            save_directory: a folder, made if need be.

        Raises:
            NotADirectoryError: the path is a file.
            ValueError: a value was set that is out of range.
        """
        self.validate()
        write_text(make_folder(save_directory) / CONFIG_NAME, self.to_json_string())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AlbertConfig):
            return NotImplemented
        return vars(self) == vars(other)

    # Flax modules hash their fields; equal configurations must hash alike, and a
    # configuration can be changed, so that only what never changes may count.
    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"AlbertConfig {self.to_json_string().rstrip()}"


# The constructor's signature is the one place where the model's defaults stand.
_MODEL_DEFAULTS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in inspect.signature(AlbertConfig).parameters.items()
    if parameter.default is not inspect.Parameter.empty
}


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a JSON object from a file; ValueError if the file holds none."""
    with open(path, encoding="utf-8") as file:
        try:
            values = json.load(file)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"{os.fspath(path)!r} is not valid JSON: {error}."
            ) from None
    if not isinstance(values, dict):
        raise ValueError(f"{os.fspath(path)!r} does not hold a JSON object.")
    return cast("dict[str, Any]", values)


def _is_field(name: str) -> bool:
    return name in _MODEL_DEFAULTS or name in _GENERAL_DEFAULTS or name in _LABELS


def _refuse_misspelling(name: str) -> None:
    fields = [*_MODEL_DEFAULTS, *_GENERAL_DEFAULTS, *_LABELS]
    near = difflib.get_close_matches(name, fields, n=1, cutoff=0.85)
    if near and name not in fields:
        raise TypeError(f"AlbertConfig has no {name!r}; did you mean {near[0]!r}?")


def _check_integer(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(
            f"{name} must be an integer of at least {least}, but is {value!r}."
        )


def _check_number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} must be a number, but is {value!r}.")
    return value


def _from_google(values: dict[str, Any]) -> dict[str, Any]:
    """Translate the activation's name as the original reads it (lower-cased)."""
    act = values.get("hidden_act", "gelu")
    act = act.lower() if isinstance(act, str) else act
    return {**values, "hidden_act": _GOOGLE_ACTIVATIONS.get(act, act)}


def _label_maps(
    id2label: Mapping[Any, str] | None,
    label2id: Mapping[str, Any] | None,
    num_labels: int | None,
) -> tuple[dict[int, str], dict[str, int]]:
    """Complete the label maps from each other and check that they agree."""
    id2label = _label_map("id2label", id2label)
    label2id = _label_map("label2id", label2id)
    if id2label is None and label2id is not None:
        id2label = {index: label for label, index in label2id.items()}
    if id2label is None:
        number = 2 if num_labels is None else num_labels
        _check_integer("num_labels", number, 1)
        if number > _MAX_LABELS:
            raise ValueError(
                f"num_labels must be at most {_MAX_LABELS}, but is {number}."
            )
        id2label = {index: f"LABEL_{index}" for index in range(number)}
    by_id = {_label_id(index): label for index, label in id2label.items()}
    if sorted(by_id) != list(range(len(by_id))) or not by_id:
        raise ValueError(
            f"id2label must number the labels 0, 1, 2 ..., but has {sorted(by_id)}."
        )
    if len(set(by_id.values())) < len(by_id):
        # transformers writes such maps when labels were renamed to one name; a map
        # back cannot exist then, so none may have been given.
        raise ValueError(f"id2label must give every label once, but is {by_id}.")
    by_label = {label: index for index, label in by_id.items()}
    given = {label: _label_id(index) for label, index in (label2id or {}).items()}
    if label2id is not None and given != by_label:
        raise ValueError(
            f"id2label and label2id must agree, but are {by_id} and {dict(label2id)}."
        )
    if num_labels is not None and num_labels != len(by_id):
        raise ValueError(
            f"num_labels must be the number of labels, but is {num_labels} for "
            f"{len(by_id)} labels in id2label."
        )
    return dict(sorted(by_id.items())), by_label


def _label_map(name: str, given: Any) -> dict[Any, Any] | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise ValueError(f"{name} must be a mapping, but is {given!r}.")
    found = dict(cast("Mapping[Any, Any]", given))
    for part in (*found.keys(), *found.values()):
        if not isinstance(part, (str, int)):
            raise ValueError(f"{name} must map numbers and names, but has {part!r}.")
    return found


def _label_id(index: Any) -> int:
    try:
        return int(index)
    except ValueError:
        raise ValueError(
            f"id2label and label2id must number the labels, but have {index!r}."
        ) from None
