"""SQuAD's two figures: exact match and F1.

Source: Rajpurkar et al. 2016, section 6.1; 2018, section 5 (no answer); the
normalisation is that of the official evaluate-v2.0.py.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def squad_scores(
    found: Sequence[str], right: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Score answers.

    Args:
        found: one for each question; empty for no answer.
        right: what is right for each question, the best of which counts; none if there
            is no answer.

    Returns:
        "exact" and "f1", means over all questions, 0 to 1.
    """
    exact, f1 = 0.0, 0.0
    for answer, golds in zip(found, right, strict=True):
        # As the official script: golds that are nothing but articles do not count.
        kept = [gold for gold in golds if normalised(gold)] or [""]
        exact += max(float(normalised(answer) == normalised(gold)) for gold in kept)
        f1 += max(overlap(answer, gold) for gold in kept)
    number = max(1, len(found))
    return {"exact": exact / number, "f1": f1 / number}


def normalised(text: str) -> str:
    """Give a text without case, ASCII punctuation, articles and spare blanks.

    Args:
        text: an answer.

    Returns:
        What is compared.
    """
    plain = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def overlap(answer: str, gold: str) -> float:
    """Give F1 of the words that two answers share.

    Args:
        answer: found.
        gold: right.

    Returns:
        0 to 1; whether both are empty, if one is.
    """
    one, other = normalised(answer).split(), normalised(gold).split()
    if not one or not other:
        return float(one == other)
    shared = sum((Counter(one) & Counter(other)).values())
    return 2 * shared / (len(one) + len(other))
