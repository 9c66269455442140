"""What a tokenizer can be told, and what its files tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from albert.common.tokenization.added import AddedToken, as_added
from albert.common.tokenization.kinds import is_list, is_mapping
from albert.common.tokenization.normalize import Cleaning

TOKEN_NAMES = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)
"""The special tokens that have a role, in the order in which missing ones are added."""

UNLIMITED = int(1e30)
"""`model_max_length` of a model whose limit is not known."""


@dataclass(frozen=True)
class Settings:
    """Everything about a tokenizer but its vocabulary.

    Args:
        do_lower_case: whether text is lower-cased.
        remove_space: whether white space is stripped and folded.
        keep_accents: whether accents stay.
        tokens: the special tokens by role; None for a role without one.
        extra: further special tokens.
        model_max_length: the model's limit in tokens, special ones included.
        padding_side: "left" or "right".
        truncation_side: the side that loses tokens, "left" or "right".
        clean_up_tokenization_spaces: whether decoding removes blanks before
            punctuation.
        sp_model_kwargs: further arguments of SentencePieceProcessor.
        tokenize_chinese_chars: for vocab.txt: whether each Chinese character is a word.
        strip_accents: for vocab.txt: whether accents go; None does as `do_lower_case`.
    """

    do_lower_case: bool = True
    remove_space: bool = True
    keep_accents: bool = False
    tokens: Mapping[str, AddedToken | None] = field(
        default_factory=dict[str, AddedToken | None]
    )
    extra: tuple[AddedToken, ...] = ()
    model_max_length: int = UNLIMITED
    padding_side: str = "right"
    truncation_side: str = "right"
    clean_up_tokenization_spaces: bool = False
    sp_model_kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tokenize_chinese_chars: bool = True
    strip_accents: bool | None = None

    def __post_init__(self) -> None:
        check_side("padding_side", self.padding_side)
        check_side("truncation_side", self.truncation_side)
        if self.model_max_length < 1:
            raise ValueError(
                f"model_max_length must be at least 1, got {self.model_max_length}."
            )

    @property
    def cleaning(self) -> Cleaning:
        """The steps of `normalize.clean`."""
        return Cleaning(self.do_lower_case, self.remove_space, self.keep_accents)


PLAIN_NAMES = tuple(
    entry.name for entry in fields(Settings) if entry.name not in ("tokens", "extra")
)
"""The settings that files hold as they are."""


def check_side(name: str, side: object) -> str:
    """Return `side` if it is "left" or "right".

    Args:
        name: the argument's name, for the error.
        side: its value.

    Returns:
        The side.

    Raises:
        ValueError: it is neither.
    """
    if side not in ("left", "right"):
        raise ValueError(f"{name} must be 'left' or 'right', got {side!r}.")
    return str(side)


def default_tokens(vocabulary: Mapping[str, int]) -> dict[str, AddedToken | None]:
    """Choose the special tokens as ALBERT's or, with vocab.txt, BERT's vocabulary."""
    bert = "[PAD]" in vocabulary and "<pad>" not in vocabulary
    names = {
        "bos_token": "[CLS]",
        "eos_token": "[SEP]",
        "unk_token": "[UNK]" if bert else "<unk>",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]" if bert else "<pad>",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }
    return {name: as_token(name, content) for name, content in names.items()}


def as_token(name: str, value: object) -> AddedToken | None:
    """Make the special token for a role of what a user or a file gives for it."""
    if value is None:
        return None
    # The mask takes the blank on its left, so that "a [MASK]" gives no lone "▁".
    token = as_added(value, name, lstrip=name == "mask_token")
    return replace(token, special=True)


def merge_settings(base: Settings, given: Mapping[str, Any]) -> Settings:
    """Put what was given over `base`.

    Args:
        base: the settings below.
        given: settings by the names of the constructor's arguments. None means not
            given, except for special tokens, where it means none.

    Returns:
        The merged settings.
    """
    plain = {
        name: given[name] for name in PLAIN_NAMES if given.get(name, None) is not None
    }
    if "model_max_length" in plain:
        plain["model_max_length"] = min(int(plain["model_max_length"]), UNLIMITED)
    named = {name: as_token(name, given[name]) for name in TOKEN_NAMES if name in given}
    extra = base.extra
    for key in ("additional_special_tokens", "extra_special_tokens"):
        if given.get(key):
            extra = tuple(
                replace(as_added(value, key), special=True)
                for value in _as_list(key, given[key])
            )
    return replace(base, **plain, tokens={**base.tokens, **named}, extra=extra)


def _as_list(key: str, value: object) -> list[object]:
    if is_mapping(value):
        return list(value.values())
    if not is_list(value):
        raise TypeError(
            f"{key} must be a list of tokens, got {type(value).__name__}: put the "
            f"token in a list."
        )
    return list(value)
