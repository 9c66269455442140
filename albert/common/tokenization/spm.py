"""Cut text with the sentencepiece library."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

from albert.common.tokenization.proto import NO_DUMMY_PREFIX


class SentencePieceCutter:
    """The original engine: cleaned text in, pieces out.

    Args:
        proto: the bytes of `spiece.model`.
        options: further arguments of `SentencePieceProcessor`, for instance
            `enable_sampling`, `nbest_size` and `alpha`.
    """

    def __init__(self, proto: bytes, options: Mapping[str, Any] | None = None) -> None:
        self._proto = proto
        self._options = dict(options or {})

    def cut(self, text: str, *, continues: bool = False) -> list[str]:
        """Normalise and cut `text`.

        Args:
            text: cleaned text (see `normalize.clean`).
            continues: whether it continues what is in front of it, so that its first
                piece gets no "▁".

        Returns:
            The pieces; an unknown run is one piece, with its own characters.
        """
        processor = self._continuing if continues else self._starting
        return processor.encode(text, out_type=str)

    @cached_property
    def _starting(self) -> Any:
        return _load(self._proto, self._options)

    @cached_property
    def _continuing(self) -> Any:
        return _load(self._proto + NO_DUMMY_PREFIX, self._options)


def _load(proto: bytes, options: Mapping[str, Any]) -> Any:
    try:
        library: Any = import_module("sentencepiece")
    except ImportError as error:
        raise ImportError(
            "this needs the sentencepiece library: pip install sentencepiece"
        ) from error
    return library.SentencePieceProcessor(model_proto=proto, **options)
