"""tokenizer.json, the tokenizers library's file: read, and written from a model."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from albert.common.tokenization.added import AddedToken, as_added
from albert.common.tokenization.charsmap import BLANK
from albert.common.tokenization.normalize import Cleaning
from albert.common.tokenization.proto import (
    CONTROL,
    NORMAL,
    UNIGRAM,
    UNKNOWN,
    USER_DEFINED,
    SpmModel,
)


@dataclass(frozen=True)
class TokenizerJson:
    """What a tokenizer.json says.

    Args:
        text: the file as it is.
        model: its unigram model; None for WordPiece.
        added: its added tokens with their ids, without user-defined pieces.
        settings: what its normaliser and special tokens tell, by argument name.
    """

    text: str
    model: SpmModel | None
    added: Sequence[tuple[int, AddedToken]]
    settings: Mapping[str, Any]


def read_tokenizer_json(text: str, name: str = "tokenizer.json") -> TokenizerJson:
    """Read the text of a tokenizer.json.

    Args:
        text: the file's content.
        name: what to call the file in an error.

    Returns:
        What the file says.

    Raises:
        ValueError: it is no tokenizer.json, or of a kind that ALBERT does not have.
    """
    try:
        data = json.loads(text)
        kind = data["model"].get("type") or _guess_kind(data["model"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{name} is no tokenizer file: it must be JSON with a 'model', as the "
            f"tokenizers library writes it."
        ) from error
    added = [
        (int(entry["id"]), as_added(entry)) for entry in data.get("added_tokens") or ()
    ]
    if kind == "WordPiece":
        return TokenizerJson(text, None, added, _bert_settings(data))
    if kind != "Unigram":
        raise ValueError(
            f"{name} holds a {kind} model; ALBERT's tokenizers are Unigram "
            f"(sentencepiece) or WordPiece (vocab.txt)."
        )
    model = _read_unigram(data, added)
    kept = [
        (index, token)
        for index, token in added
        if index >= len(model.pieces) or model.kinds[index] != USER_DEFINED
    ]
    return TokenizerJson(text, model, kept, _albert_settings(data))


def _guess_kind(model: Mapping[str, Any]) -> str:
    if isinstance(model.get("vocab"), list):
        return "Unigram"
    return "WordPiece" if "continuing_subword_prefix" in model else "unknown"


def _normalizers(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    top = data.get("normalizer")
    if not top:
        return []
    return list(top["normalizers"]) if top["type"] == "Sequence" else [top]


def _albert_settings(data: Mapping[str, Any]) -> dict[str, Any]:
    kinds = [entry["type"] for entry in _normalizers(data)]
    return {
        "do_lower_case": "Lowercase" in kinds,
        "keep_accents": "StripAccents" not in kinds,
    }


def _bert_settings(data: Mapping[str, Any]) -> dict[str, Any]:
    for entry in _normalizers(data):
        if entry["type"] == "BertNormalizer":
            return {
                "do_lower_case": entry["lowercase"],
                "strip_accents": entry["strip_accents"],
                "tokenize_chinese_chars": entry["handle_chinese_chars"],
            }
    return {}


def _read_unigram(
    data: Mapping[str, Any], added: Sequence[tuple[int, AddedToken]]
) -> SpmModel:
    """Rebuild the SentencePiece model. Pieces without a score are the special kinds."""
    vocab = data["model"]["vocab"]
    unknown = data["model"].get("unk_id")
    special = {token.content for _, token in added if token.special}
    special |= {"[CLS]", "[SEP]", "[MASK]", "<pad>"}
    kinds: list[int] = []
    for index, (piece, score) in enumerate(vocab):
        if index == unknown:
            kinds.append(UNKNOWN)
        elif score == 0.0:
            kinds.append(CONTROL if piece in special else USER_DEFINED)
        else:
            kinds.append(NORMAL)
    charsmap = b""
    for entry in _normalizers(data):
        if entry["type"] == "Precompiled" and entry["precompiled_charsmap"]:
            charsmap = base64.b64decode(entry["precompiled_charsmap"])
    pieces = tuple(piece for piece, _ in vocab)
    scores = tuple(float(score) for _, score in vocab)
    return SpmModel(pieces, scores, tuple(kinds), charsmap)


def with_settings(text: str, settings: Mapping[str, Any]) -> str:
    """Put settings into the BertNormalizer of a WordPiece tokenizer.json.

    Args:
        text: the file's content; without a BertNormalizer it stays as it is.
        settings: `do_lower_case`, `strip_accents`, `tokenize_chinese_chars`.

    Returns:
        The file's content with the settings.
    """
    data = json.loads(text)
    for entry in _normalizers(data):
        if entry["type"] == "BertNormalizer":
            entry["lowercase"] = settings["do_lower_case"]
            entry["strip_accents"] = settings["strip_accents"]
            entry["handle_chinese_chars"] = settings["tokenize_chinese_chars"]
    return json.dumps(data, ensure_ascii=False)


def can_be_written(model: SpmModel) -> bool:
    """Whether tokenizer.json can hold the model so that it reads back the same."""
    entries = zip(model.kinds, model.scores, strict=True)
    fits = all(
        kind in (NORMAL, UNKNOWN, CONTROL, USER_DEFINED)
        and (kind == UNKNOWN or (score == 0.0) == (kind != NORMAL))
        for kind, score in entries
    )
    plain = model.model_type == UNIGRAM and not model.whitespace_as_suffix
    return fits and plain and model.add_dummy_prefix and model.remove_extra_whitespaces


def write_tokenizer_json(
    model: SpmModel,
    how: Cleaning,
    added: Sequence[tuple[int, AddedToken]],
    cls: tuple[int, str],
    sep: tuple[int, str],
) -> str:
    """Write a tokenizer.json that other tools can use.

    The library's steps come near Google's but cannot state them exactly (numbers,
    accents of Indic scripts, Hangul); AlbertTokenizerFast reads the vocabulary and the
    settings out of the file and takes its own steps.

    Args:
        model: the vocabulary; `can_be_written` holds.
        how: the cleaning.
        added: the special and added tokens with their ids.
        cls: id and text of the token in front.
        sep: id and text of the token behind each text.

    Returns:
        The file's content.
    """
    entries = [{"id": index, **token.as_dict()} for index, token in added]
    blank = {"type": "Metaspace", "replacement": BLANK, "split": True}
    data = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": sorted(entries, key=lambda entry: entry["id"]),
        "normalizer": {"type": "Sequence", "normalizers": _steps(model, how)},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{**blank, "prepend_scheme": "first"}, _comma_split()],
        },
        "post_processor": template(cls, sep),
        "decoder": {**blank, "prepend_scheme": "always"},
        "model": {
            "type": "Unigram",
            "unk_id": model.unk_id,
            "vocab": list(zip(model.pieces, model.scores, strict=True)),
            "byte_fallback": False,
        },
    }
    return json.dumps(data, ensure_ascii=False)


def _steps(model: SpmModel, how: Cleaning) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [
        _replace({"String": "``"}, '"'),
        _replace({"String": "''"}, '"'),
    ]
    if not how.keep_accents:
        steps += [{"type": "NFKD"}, {"type": "StripAccents"}]
    if how.do_lower_case:
        steps.append({"type": "Lowercase"})
    if model.charsmap:
        packed = base64.b64encode(model.charsmap).decode()
        steps.append({"type": "Precompiled", "precompiled_charsmap": packed})
    folded = _replace({"Regex": r"\s+"}, " ")
    return [
        *steps,
        folded,
        {"type": "Strip", "strip_left": False, "strip_right": True},
    ]


def _replace(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


def _comma_split() -> dict[str, Any]:
    """Split off a comma between a digit and no digit: most of Google's number rule."""
    return {
        "type": "Split",
        "pattern": {"Regex": r"(?<=\d),(?!\d)"},
        "behavior": "Isolated",
        "invert": False,
    }


def template(cls: tuple[int, str], sep: tuple[int, str]) -> dict[str, Any]:
    """State [CLS] A [SEP] and [CLS] A [SEP] B [SEP] in the library's terms."""

    def token(text: str, type_id: int) -> dict[str, Any]:
        return {"SpecialToken": {"id": text, "type_id": type_id}}

    def sequence(name: str, type_id: int) -> dict[str, Any]:
        return {"Sequence": {"id": name, "type_id": type_id}}

    single = [token(cls[1], 0), sequence("A", 0), token(sep[1], 0)]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, sequence("B", 1), token(sep[1], 1)],
        "special_tokens": {
            text: {"id": text, "ids": [index], "tokens": [text]}
            for index, text in (cls, sep)
        },
    }
