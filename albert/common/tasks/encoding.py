"""Texts to rows, cut where they are longer than the model reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.tasks.checks import check_choice, check_count
from albert.common.tasks.inputs import short
from albert.common.tasks.task import Row

_TRUNCATIONS = (
    True,
    False,
    "longest_first",
    "only_first",
    "only_second",
    "do_not_truncate",
)


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """How texts are cut; options that several tasks have.

    Args:
        truncation: whether a text that is longer than the model reads is cut (with one
            warning), or an error; or a tokenizer's strategy, such as "only_first".
        max_length: the limit in tokens, special ones included; None for the model's.
        padding: not used, since rows are padded as need be; users of transformers give
            it.
    """

    truncation: bool | str = True
    max_length: int | None = None
    padding: bool | str | None = None

    def __post_init__(self) -> None:
        check_choice("truncation", self.truncation, _TRUNCATIONS)
        if self.max_length is not None:
            check_count("max_length", self.max_length)


@dataclass(frozen=True, kw_only=True)
class CuttingFirst(Cutting):
    """How pairs are cut whose second text stays whole.

    Args:
        truncation: whether the first text is cut (with one warning) if both are longer
            than the model reads, or an error.
        max_length: the limit in tokens, special ones included; None for the model's.
        padding: not used, as in `Cutting`.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        allowed = (True, False, "only_first", "do_not_truncate")
        check_choice("truncation", self.truncation, allowed)


def limit(
    tokenizer: Any,
    config: AlbertConfig,
    max_length: int | None = None,
    name: str = "max_length",
) -> int:
    """Tell how many tokens a row may have, special ones included.

    Args:
        tokenizer: its `model_max_length` counts.
        config: its `max_position_embeddings` counts.
        max_length: what the caller chose; None for no choice.
        name: of that argument, for the error text.

    Returns:
        The smallest of them.

    Raises:
        ValueError: `max_length` is more than the model reads.
    """
    most = min(config.max_position_embeddings, tokenizer.model_max_length)
    if max_length is not None and max_length > most:
        raise ValueError(
            f"{name} must be at most {most}, which is what the model reads, but is "
            f"{max_length}."
        )
    return most if max_length is None else max_length


def encode_text(
    tokenizer: Any,
    config: AlbertConfig,
    text: str,
    pair: str | None = None,
    cutting: Cutting | None = None,
) -> tuple[Row, bool]:
    """Turn a text, or a pair, into a row.

    Args:
        tokenizer: cuts it into pieces.
        config: of the model.
        text: the text.
        pair: the second text.
        cutting: what the caller chose; None for the defaults.

    Returns:
        The row, and whether something was left out.

    Raises:
        ValueError: the text is too long and must not be cut.
    """
    cutting = cutting or Cutting()
    most = limit(tokenizer, config, cutting.max_length)
    row = _row(tokenizer(text, pair, verbose=False))
    length = len(row.input_ids)
    if length <= most:
        return row, False
    if cutting.truncation in (False, "do_not_truncate"):
        raise ValueError(
            f"the text has {length} tokens, but the limit is {most}: shorten it, or "
            f"pass truncation=True."
        )
    cut = tokenizer(
        text, pair, truncation=cutting.truncation, max_length=most, verbose=False
    )
    return _row(cut), True


def encode_behind(
    tokenizer: Any,
    config: AlbertConfig,
    text: str,
    pair: str,
    cutting: CuttingFirst,
) -> tuple[Row, bool]:
    """Turn a pair into a row whose second text is whole.

    Args:
        tokenizer: cuts it into pieces.
        config: of the model.
        text: the first text, which may be cut.
        pair: the second, which may not.
        cutting: what the caller chose.

    Returns:
        The row, and whether something was left out.

    Raises:
        ValueError: there is no room for the second text, or the first is too long and
            must not be cut.
    """
    most = limit(tokenizer, config, cutting.max_length)
    room = most - tokenizer.num_special_tokens_to_add(pair=True)
    pieces = tokenizer(pair, add_special_tokens=False, verbose=False)["input_ids"]
    if len(pieces) > room:
        raise ValueError(
            f"{short(pair)!r} has {len(pieces)} tokens, but as the second text of a "
            f"pair it may have {max(room, 0)}, and it is not cut: shorten it."
        )
    allowed = cutting.truncation in (True, "only_first")
    strategy = "only_first" if allowed else False
    whole = Cutting(truncation=strategy, max_length=cutting.max_length)
    return encode_text(tokenizer, config, text, pair, whole)


def _row(columns: Any) -> Row:
    return Row(
        np.asarray(columns["input_ids"], np.int32),
        np.asarray(columns["token_type_ids"], np.int32),
    )
