"""Documents to segments: their lines, or the sentences in these."""

from __future__ import annotations

import re

SEGMENTS = ("sentences", "lines")
"""What a segment can be."""

_CLOSING = "\"'\u2019\u201d\u00bb)\\]"
_OPENING = "\"'\u2018\u201c\u00ab(\\[\u00bf\u00a1"

# Full stops of scripts without blanks between sentences end one wherever they stand;
# the others do if a blank follows, and then no lower-case letter.
_END = re.compile(
    rf"([.!?\u2026\u0964\u0965\u06d4\u061f][{_CLOSING}]*)\s+(?=[{_OPENING}]*[^\W_])"
    rf"|([\u3002\uff01\uff1f\uff61]+[{_CLOSING}\u300d\u300f]*)"
)

_ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr prof rev fr st sr jr gen col capt lt sgt maj hon gov sen rep pres
    messrs mme mlle m no nos vol vols fig figs eq eqs ch chap sec art pp p ed eds vs v
    cf ca approx e.g i.e viz al inc ltd co corp dept est jan feb mar apr jun jul aug
    sep sept oct nov dec mt ft
    """.split()  # noqa: SIM905
)
_OPEN = re.compile(rf"[{_OPENING}]*(.)", re.DOTALL)
_INITIALS = re.compile(r"(?:[^\W\d_a-z]\.)*[^\W\d_a-z]")
_LAST_WORD = re.compile(rf"[{_OPENING}]*([^\s{_OPENING}]*)\.$")


def split_document(text: str, segments: str) -> list[str]:
    """Cut a document into segments.

    Args:
        text: the document; a paragraph, or a sentence, is a line.
        segments: one of `SEGMENTS`. "lines" takes each line as one segment;
            "sentences" cuts the lines into sentences.

    Returns:
        The segments, none of them blank.
    """
    lines = [line.strip() for line in text.split("\n")]
    if segments == "sentences":
        return [part for line in lines if line for part in split_sentences(line)]
    return [line for line in lines if line]


def split_sentences(line: str) -> list[str]:
    """Cut a line into sentences.

    A sentence ends behind `.`, `!`, `?`, `…` or a full stop of another script, and
    the quotation marks or brackets that close behind it, if white space follows and
    then a digit or a letter that is not lower-case, behind opening ones perhaps;
    Chinese and Japanese full stops need no white space. A `.` behind initials (`J. R.`,
    `U.S.`) or one of a few English abbreviations ends none.

    Args:
        line: a paragraph.

    Returns:
        The sentences, without the white space between them.
    """
    sentences: list[str] = []
    begin = 0
    for found in _END.finditer(line):
        end = max(found.end(1), found.end(2))
        following = _OPEN.match(line, found.end())
        small = following is not None and following[1].islower()
        if small or _is_abbreviated(line[max(begin, end - 24) : end]):
            continue
        sentences.append(line[begin:end].strip())
        begin = end
    sentences.append(line[begin:].strip())
    return [sentence for sentence in sentences if sentence]


def _is_abbreviated(text: str) -> bool:
    found = _LAST_WORD.search(text)
    if found is None:
        return False
    word = found[1]
    return _INITIALS.fullmatch(word) is not None or word.lower() in _ABBREVIATIONS
