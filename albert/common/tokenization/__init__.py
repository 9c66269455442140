"""The ALBERT tokenizers: text in, token ids out, the same ids from both classes.

Nothing heavy is imported until a name is used: `import albert.common.tokenization`
loads neither sentencepiece nor tokenizers nor a framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert.common.lazy import attribute_loader

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

__getattr__ = attribute_loader(
    __name__,
    {
        f"{__name__}.added": ("AddedToken",),
        f"{__name__}.batch": ("BatchEncoding",),
        f"{__name__}.encoding": ("Encoding",),
        f"{__name__}.fast": ("AlbertTokenizerFast",),
        f"{__name__}.slow": ("AlbertTokenizer",),
    },
)


def __dir__() -> list[str]:
    return sorted(__all__)
