"""Write a tokenizer's files."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert.common.files import atomic_path, make_folder, write_text
from albert.common.replacing import replacing
from albert.common.tokenization.added import AddedToken
from albert.common.tokenization.proto import parse_model
from albert.common.tokenization.settings import PLAIN_NAMES, Settings
from albert.common.tokenization.source import (
    ADDED_TOKENS,
    CONFIG,
    MODEL_CONFIG,
    SPECIAL_TOKENS,
    SPIECE,
    TOKENIZER_JSON,
    VOCAB_TXT,
)
from albert.common.tokenization.tokenizer_json import (
    can_be_written,
    template,
    write_tokenizer_json,
)

_FILES = (SPIECE, VOCAB_TXT, TOKENIZER_JSON, CONFIG, SPECIAL_TOKENS, ADDED_TOKENS)


@dataclass(frozen=True)
class Saved:
    """What of a tokenizer goes into files.

    Args:
        proto: bytes of the SentencePiece model; None for WordPiece.
        wordpiece_json: a WordPiece tokenizer.json; None for SentencePiece.
        vocabulary: the tokens by id, without added ones.
        settings: the settings as they are now.
        added: special and added tokens with their ids.
        special: the special tokens by role.
        extra: further special tokens.
    """

    proto: bytes | None
    wordpiece_json: str | None
    vocabulary: Sequence[str]
    settings: Settings
    added: Sequence[tuple[int, AddedToken]]
    special: Mapping[str, AddedToken]
    extra: Sequence[AddedToken]


def save_vocabulary_file(
    saved: Saved, folder: str | os.PathLike[str], prefix: str | None
) -> Path:
    """Write `spiece.model`, or `vocab.txt` for WordPiece, and return its path."""
    target = make_folder(folder)
    if saved.proto is None:
        path = target / _named(VOCAB_TXT, prefix)
        write_text(path, "".join(f"{token}\n" for token in saved.vocabulary))
        return path
    path = target / _named(SPIECE, prefix)
    with atomic_path(path) as temporary:
        temporary.write_bytes(saved.proto)
    return path


def save_files(
    saved: Saved, folder: str | os.PathLike[str], prefix: str | None
) -> tuple[str, ...]:
    """Write all files of a tokenizer, which take their places together.

    Args:
        saved: what goes into them.
        folder: made if need be; files of another tokenizer in it are removed.
        prefix: stands before each name, if given.

    Returns:
        Their paths.

    Raises:
        OSError: the folder cannot be written to; nothing in it has changed.
    """
    # One that is not written anew would be read with the others.
    outdated = [glob.escape(_named(name, prefix)) for name in _FILES]
    with replacing(folder, outdated) as staged:
        written = _write_files(saved, staged, prefix)
    return tuple(str(Path(folder) / path.name) for path in written)


def _write_files(saved: Saved, folder: Path, prefix: str | None) -> list[Path]:
    paths = [save_vocabulary_file(saved, folder, prefix)]

    def write(name: str, text: str) -> None:
        paths.append(folder / _named(name, prefix))
        write_text(paths[-1], text)

    tokenizer_json = _tokenizer_json(saved)
    if tokenizer_json is not None:
        write(TOKENIZER_JSON, tokenizer_json)
    write(CONFIG, _pretty(_config(saved)))
    write(SPECIAL_TOKENS, _pretty(_special_tokens(saved)))
    behind = {
        token.content: index
        for index, token in saved.added
        if index >= len(saved.vocabulary)
    }
    if behind:
        write(ADDED_TOKENS, _pretty(behind))
    return paths


def check_model_size(folder: Path, size: int) -> None:
    """Compare a vocabulary with the model beside it.

    Args:
        folder: where config.json may be.
        size: the number of ids, added tokens included.

    Raises:
        ValueError: the model has fewer.
    """
    path = folder / MODEL_CONFIG
    if not path.is_file():
        return
    try:
        limit = json.loads(path.read_text("utf-8")).get("vocab_size")
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{str(path)!r} is no JSON object.") from error
    if isinstance(limit, int) and size > limit:
        raise ValueError(
            f"the tokenizer has {size} ids, and the model in {str(folder)!r} has "
            f"{limit} (vocab_size in config.json): the greater ids have no embedding. "
            f"Use the vocabulary the model was trained with, or enlarge its "
            f"embedding and vocab_size."
        )


def _named(name: str, prefix: str | None) -> str:
    return f"{prefix}-{name}" if prefix else name


def _pretty(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _tokenizer_json(saved: Saved) -> str | None:
    """Make the tokenizer.json; None where the file cannot hold the model."""
    if saved.proto is None:
        return _wordpiece_json(saved)
    model = parse_model(saved.proto)
    cls, sep = saved.special.get("cls_token"), saved.special.get("sep_token")
    if not can_be_written(model) or cls is None or sep is None:
        return None
    ids = {token.content: index for index, token in saved.added}
    return write_tokenizer_json(
        model,
        saved.settings.cleaning,
        saved.added,
        (ids[cls.content], cls.content),
        (ids[sep.content], sep.content),
    )


def _wordpiece_json(saved: Saved) -> str:
    data = json.loads(saved.wordpiece_json or "{}")
    data["added_tokens"] = [
        {"id": index, **token.as_dict()} for index, token in saved.added
    ]
    cls, sep = saved.special.get("cls_token"), saved.special.get("sep_token")
    if not data.get("post_processor") and cls is not None and sep is not None:
        ids = {token.content: index for index, token in saved.added}
        data["post_processor"] = template(
            (ids[cls.content], cls.content), (ids[sep.content], sep.content)
        )
    return json.dumps(data, ensure_ascii=False)


def _config(saved: Saved) -> dict[str, Any]:
    skipped = {"sp_model_kwargs"} if saved.proto is None else set[str]()
    if saved.proto is not None:
        skipped |= {"tokenize_chinese_chars", "strip_accents"}
    config = {
        name: getattr(saved.settings, name)
        for name in PLAIN_NAMES
        if name not in skipped
    }
    config |= {name: token.content for name, token in saved.special.items()}
    return {
        **config,
        "tokenizer_class": "AlbertTokenizer" if saved.proto else "BertTokenizer",
        "added_tokens_decoder": {
            str(index): token.as_dict() for index, token in saved.added
        },
        "additional_special_tokens": [token.content for token in saved.extra],
    }


def _special_tokens(saved: Saved) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, token in saved.special.items():
        plain = not (token.lstrip or token.rstrip or token.single_word)
        found[name] = token.content if plain else token.as_dict()
    if saved.extra:
        found["additional_special_tokens"] = [token.content for token in saved.extra]
    return found
