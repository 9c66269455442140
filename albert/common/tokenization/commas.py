"""Google's rule for numbers: a piece that ends in a digit and a comma is cut again.

Source: google-research/albert tokenization.py, encode_pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from albert.common.tokenization.charsmap import BLANK


def ends_in_digit_comma(piece: str) -> bool:
    """Whether `piece` ends in a digit (`str.isdigit`) and a comma."""
    return len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()


def recut(piece: str, cut: Callable[[str], Sequence[str]]) -> list[str]:
    """Cut a piece that ends in digit and comma into number and comma.

    Args:
        piece: such a piece, for instance "▁2001,".
        cut: cuts a text as if it stood alone, so with "▁" in front.

    Returns:
        The new pieces, the last of them ",". The number stands at the start of a word
        only if `piece` did: otherwise its "▁" goes again.
    """
    pieces = list(cut(piece[:-1].replace(BLANK, "")))
    if pieces and piece[0] != BLANK and pieces[0][0] == BLANK:
        pieces[0] = pieces[0][1:]
        if not pieces[0]:
            del pieces[0]
    return [*pieces, ","]
