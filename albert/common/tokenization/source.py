"""Where a vocabulary comes from: the files of a folder, or single files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from albert.common.tokenization.added import AddedToken, as_added
from albert.common.tokenization.kinds import is_mapping
from albert.common.tokenization.proto import parse_model, serialize_model
from albert.common.tokenization.settings import PLAIN_NAMES, TOKEN_NAMES
from albert.common.tokenization.tokenizer_json import TokenizerJson, read_tokenizer_json
from albert.common.tokenization.wordpiece import read_vocab

SPIECE = "spiece.model"
TOKENIZER_JSON = "tokenizer.json"
VOCAB_TXT = "vocab.txt"
GOOGLE_MODEL = "30k-clean.model"
SAVED_MODEL = "saved_model.pb"
ELSEWHERE = (
    GOOGLE_MODEL,
    f"assets/{GOOGLE_MODEL}",
    "assets/tokenizer/vocabulary.spm",
    "vocab_chinese.txt",
)
"""Where Google's checkpoints, its TF-Hub modules and KerasHub keep the vocabulary."""
CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS = "special_tokens_map.json"
ADDED_TOKENS = "added_tokens.json"
MODEL_CONFIG = "config.json"

Path_ = str | os.PathLike[str]


@dataclass(frozen=True)
class Source:
    """A vocabulary, whole in memory, so that a tokenizer outlives its folder.

    Args:
        proto: bytes of a SentencePiece model; None for WordPiece.
        wordpiece_json: a WordPiece tokenizer.json that is used as it is.
        wordpiece_vocab: tokens of a vocab.txt.
        settings: what the files tell, by the names of the constructor's arguments.
        added: added tokens with their ids.
    """

    proto: bytes | None = None
    wordpiece_json: str | None = None
    wordpiece_vocab: tuple[str, ...] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    added: Sequence[tuple[int, AddedToken]] = ()


def read_files(vocab_file: Path_ | None, tokenizer_file: Path_ | None) -> Source:
    """Read a vocabulary from single files.

    Args:
        vocab_file: a `spiece.model`, or a WordPiece `vocab.txt`.
        tokenizer_file: a `tokenizer.json`.

    Returns:
        The vocabulary and what the files tell of the settings.

    Raises:
        ValueError: neither is given, or they hold different vocabularies.
        FileNotFoundError: a file is not there.
    """
    if vocab_file is None and tokenizer_file is None:
        raise ValueError(
            "a tokenizer needs vocab_file= (a spiece.model, or a vocab.txt) or "
            "tokenizer_file= (a tokenizer.json); for a folder use from_pretrained()."
        )
    source = Source()
    if vocab_file is not None:
        path = _existing(vocab_file, "vocab_file")
        if path.suffix == ".txt":
            tokens = read_vocab(path.read_text("utf-8"), str(path))
            source = Source(wordpiece_vocab=tuple(tokens))
        else:
            data = path.read_bytes()
            parse_model(data, str(path))
            source = Source(proto=data)
    if tokenizer_file is not None:
        path = _existing(tokenizer_file, "tokenizer_file")
        found = read_tokenizer_json(path.read_text("utf-8"), str(path))
        source = _with_json(source, found, path)
    return source


def files_needed(names: Sequence[str], label: str) -> list[str]:
    """Choose what a tokenizer reads among the files of a folder.

    Args:
        names: what the folder holds.
        label: what to call the folder in an error.

    Returns:
        The names of the vocabulary's files, of the settings, and of the model's
        configuration, which tells the vocabulary's size.

    Raises:
        FileNotFoundError: there is no vocabulary among them.
    """
    vocabulary = [name for name in (SPIECE, TOKENIZER_JSON) if name in names]
    if not vocabulary:
        others = (VOCAB_TXT, *ELSEWHERE, SAVED_MODEL)
        vocabulary = [name for name in others if name in names][:1]
    if not vocabulary:
        raise FileNotFoundError(
            f"{label} holds no vocabulary: it must have {SPIECE}, {TOKENIZER_JSON} or "
            f"{VOCAB_TXT}, or one of {', '.join(ELSEWHERE)}."
        )
    settings = (CONFIG, SPECIAL_TOKENS, ADDED_TOKENS, MODEL_CONFIG)
    return vocabulary + [name for name in settings if name in names]


def read_folder(folder: Path) -> Source:
    """Read a vocabulary and its settings from a folder.

    `spiece.model` comes first, then one of `ELSEWHERE`, then `tokenizer.json`, then
    `vocab.txt`.

    Args:
        folder: where the files are.

    Returns:
        The vocabulary and its settings.

    Raises:
        FileNotFoundError: the folder has none of them.
        ValueError: a file cannot be read, or two files hold different vocabularies.
    """
    there = [path.name for path in folder.iterdir() if path.is_file()]
    needed = files_needed(there, repr(str(folder)))
    found = {name: folder / name for name in needed}
    others = [folder / name for name in ELSEWHERE if (folder / name).is_file()]
    if others and SPIECE not in found:
        # KerasHub's tokenizer.json is no vocabulary.
        source = read_files(others[0], None)
    else:
        vocab = found.get(SPIECE, found.get(VOCAB_TXT))
        source = read_files(vocab, found.get(TOKENIZER_JSON))
    settings, added = _read_settings(folder)
    known = {token.content for _, token in added}
    rest = [entry for entry in source.added if entry[1].content not in known]
    return replace(
        source, settings={**source.settings, **settings}, added=[*rest, *added]
    )


def _existing(path: Path_, argument: str) -> Path:
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{argument} {str(file)!r} is no file.")
    return file


def _with_json(source: Source, found: TokenizerJson, path: Path) -> Source:
    if found.model is None and source.proto is None:
        return Source(
            wordpiece_json=found.text, settings=found.settings, added=found.added
        )
    same = False
    if found.model is not None and source.wordpiece_vocab is None:
        if source.proto is None:
            source = replace(source, proto=serialize_model(found.model))
        same = parse_model(source.proto or b"").pieces == found.model.pieces
    if not same:
        raise ValueError(
            f"{str(path)!r} holds another vocabulary than the vocabulary file beside "
            f"it: remove the one that does not belong to the checkpoint."
        )
    return replace(source, settings=found.settings, added=found.added)


def _read_json(folder: Path, name: str) -> Mapping[str, Any]:
    path = folder / name
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is no JSON: {error}.") from error
    if not is_mapping(data):
        raise ValueError(f"{str(path)!r} must hold a JSON object.")
    return data


def _read_settings(
    folder: Path,
) -> tuple[dict[str, Any], list[tuple[int, AddedToken]]]:
    config = _read_json(folder, CONFIG)
    special = _read_json(folder, SPECIAL_TOKENS)
    names = (
        *PLAIN_NAMES,
        *TOKEN_NAMES,
        "additional_special_tokens",
        "extra_special_tokens",
    )
    settings = {
        name: given[name]
        for given in (special, config)
        for name in names
        if name in given
    }
    # A role's flags (lstrip) stand in the map where the configuration has a string.
    for name in TOKEN_NAMES:
        flags = special.get(name)
        if is_mapping(flags) and flags.get("content") == settings[name]:
            settings[name] = flags
    added = [
        (int(index), AddedToken(content))
        for content, index in _read_json(folder, ADDED_TOKENS).items()
    ]
    decoder: Mapping[str, Any] = config.get("added_tokens_decoder") or {}
    known = {int(index): as_added(entry) for index, entry in decoder.items()}
    merged = {**dict(added), **known}
    return settings, sorted(merged.items())
