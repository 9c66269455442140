"""Which tokens stay when a row is too long."""

from __future__ import annotations

STRATEGIES = ("longest_first", "only_first", "only_second", "do_not_truncate")


def check_strategy(truncation: object) -> str:
    """Name the strategy for a `truncation` argument.

    Args:
        truncation: True (longest_first), False or None (none), or a strategy's name.

    Returns:
        The strategy's name.

    Raises:
        ValueError: it is none of these.
    """
    if truncation is None or truncation is False:
        return "do_not_truncate"
    if truncation is True:
        return "longest_first"
    if truncation not in STRATEGIES:
        raise ValueError(
            f"truncation must be True, False or one of {', '.join(STRATEGIES)}, got "
            f"{truncation!r}."
        )
    return str(truncation)


def keep_lengths(
    first: int, second: int | None, room: int, strategy: str
) -> tuple[int, int]:
    """Share the room between the texts.

    Args:
        first: length of the first text, in tokens.
        second: length of the second, None if there is none.
        room: tokens that both may have together, special tokens not counted.
        strategy: longest_first takes from the longer, and from the second if they are
            alike; only_first and only_second take from that text alone.

    Returns:
        The lengths that both keep.

    Raises:
        ValueError: the text to be cut is too short for the cut that is needed.

    Source: google-research/albert classifier_utils.py, _truncate_seq_pair.
    """
    other = second or 0
    surplus = first + other - room
    if surplus <= 0:
        return first, other
    if strategy == "longest_first":
        if second is None:
            return room, 0
        half = room // 2
        if first <= half:
            return first, room - first
        if other <= half:
            return room - other, other
        return room - half, half
    size = first if strategy == "only_first" else other
    if strategy == "only_second" and second is None:
        raise ValueError(
            "truncation='only_second' needs a pair of texts, and there is one text: "
            "give text_pair, or truncation='only_first'."
        )
    if surplus > size:
        which = "first" if strategy == "only_first" else "second"
        raise ValueError(
            f"truncation={strategy!r} cannot make the row short enough: {surplus} "
            f"tokens must go, and the {which} text has {size}. Use "
            f"truncation='longest_first' or a greater max_length."
        )
    if strategy == "only_first":
        return first - surplus, other
    return first, other - surplus


def windows(length: int, keep: int, stride: int, side: str) -> list[tuple[int, int]]:
    """Cover a text with stretches of at most `keep` tokens.

    Args:
        length: length of the text, in tokens.
        keep: tokens in a stretch.
        stride: tokens that a stretch shares with the one before it.
        side: the side that loses tokens: "right" begins at the start of the text,
            "left" at its end.

    Returns:
        Start and end of each stretch, the one that truncation keeps first.

    Raises:
        ValueError: the stretches would not get on.
    """
    if keep >= length:
        return [(0, length)]
    if stride >= keep:
        raise ValueError(
            f"stride must be smaller than the {keep} tokens of text that fit into a "
            f"row, got {stride}: use a smaller stride or a greater max_length."
        )
    found: list[tuple[int, int]] = []
    start = 0
    while True:
        end = min(start + keep, length)
        found.append(
            (start, end) if side == "right" else (length - end, length - start)
        )
        if end == length:
            return found
        start += keep - stride
