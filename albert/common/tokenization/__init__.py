"""The ALBERT tokenizers: text in, token ids out, the same ids from both classes.

Nothing heavy is imported until a name is used: `import albert.common.tokenization`
loads neither sentencepiece nor tokenizers nor a framework.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from albert.common.tokenization.added import AddedToken
    from albert.common.tokenization.batch import BatchEncoding
    from albert.common.tokenization.encoding import Encoding
    from albert.common.tokenization.fast import AlbertTokenizerFast
    from albert.common.tokenization.slow import AlbertTokenizer

__all__ = [
    "AddedToken",
    "AlbertTokenizer",
    "AlbertTokenizerFast",
    "BatchEncoding",
    "Encoding",
]

_HOMES = {
    "AddedToken": "added",
    "AlbertTokenizer": "slow",
    "AlbertTokenizerFast": "fast",
    "BatchEncoding": "batch",
    "Encoding": "encoding",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
