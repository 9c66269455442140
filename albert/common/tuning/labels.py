"""Labels: names to numbers, from the training data or from the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from albert.common.config import AlbertConfig
from albert.common.tuning.kind import whole

_UNNAMED = re.compile(r"LABEL_\d+")


def label_changes(
    labels: Iterable[tuple[str, Any]],
    config: AlbertConfig,
    class_name: str,
    new_labels: bool,
) -> dict[str, Any]:
    """Give the label list that a model must have.

    It is the model's own if it is of the class and has names for its labels; else the
    names in the data, sorted, or as many as the greatest number in the data says.

    Args:
        labels: place and label of the training data, as read.
        config: of the model.
        class_name: that is trained.
        new_labels: whether the data count in any case.

    Returns:
        `id2label` and `label2id`.

    Raises:
        ValueError: a label is neither a name nor a number, or a number below 0, or the
            model does not have it.
    """
    found = list(labels)
    if class_name in (config.architectures or ()) and not new_labels:
        names = [config.id2label[at] for at in sorted(config.id2label)]
        if not all(_UNNAMED.fullmatch(name) for name in names):
            for place, label in found:
                label_number(place, label, {name: at for at, name in enumerate(names)})
            return _maps(names)
    return _maps(_names(found))


def label_number(place: str, label: Any, numbers: Mapping[str, int]) -> int:
    """Give the number of a label.

    Args:
        place: of the row, for the error text.
        label: a name or a number, as read.
        numbers: of all names.

    Returns:
        From 0 to one less than there are.

    Raises:
        ValueError: there is no such label.
    """
    if isinstance(label, str) and label in numbers:
        return numbers[label]
    number = whole(label)
    if number is not None:
        if 0 <= number < len(numbers):
            return number
        raise ValueError(
            f"{place}: the label {number} is out of range: there are {len(numbers)}, "
            f"from 0 to {len(numbers) - 1}."
        )
    known = ", ".join(list(numbers)[:20]) + (", ..." if len(numbers) > 20 else "")
    raise ValueError(
        f"{place}: the label {label!r} is none of the model's {len(numbers)}: {known}. "
        f"Labels come from the training data, or from the model if it has names for "
        f"them, unless --new-labels says otherwise."
    )


def _names(labels: Iterable[tuple[str, Any]]) -> list[str]:
    found = list(labels)
    numbers = [whole(label) for _, label in found]
    if None not in numbers:
        wrong = next((at for at, one in enumerate(numbers) if one and one < 0), None)
        if wrong is not None:
            raise ValueError(
                f"{found[wrong][0]}: the label {numbers[wrong]} is out of range: "
                f"numbers of labels begin with 0."
            )
        greatest = max(number or 0 for number in numbers)
        return [f"LABEL_{number}" for number in range(greatest + 1)]
    for place, label in found:
        if not isinstance(label, str) or not label.strip():
            raise ValueError(
                f"{place}: label must be a name, as in other rows, but is {label!r}."
            )
    return sorted({label for _, label in found})


def _maps(names: list[str]) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: number for number, name in enumerate(names)},
    }
