"""The company of a text, and how it is padded.

Letters: B batch, S sequence.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import numpy as np

from conformance.invariances.subject import Check, Pair, Subject
from conformance.steps import Arrays

WORDS, ORDER = "prediction_logits", "sop_logits"


def _lengths(inputs: Arrays) -> Iterator[tuple[int, int]]:
    """Give each row and how many tokens it has."""
    yield from enumerate(inputs["attention_mask"].sum(-1).tolist())


def real(outputs: Arrays, inputs: Arrays, first: bool = True) -> Arrays:
    """Take each row's own tokens out of a batch's outputs.

    Args:
        outputs: of a batch.
        inputs: of that batch.
        first: whether they stand first, or else last.

    Returns:
        Words' scores [S, V] without padding, and the order's [2], by row.
    """
    found = {}
    for row, length in _lengths(inputs):
        words = outputs[WORDS][row]
        found[f"{WORDS} row {row}"] = words[:length] if first else words[-length:]
        found[f"{ORDER} row {row}"] = outputs[ORDER][row]
    return found


def alone(subject: Subject) -> Pair:
    """A text alone, without padding or a mask, and in its batch."""
    inputs = subject.case.inputs
    found = {}
    for row, length in _lengths(inputs):
        names = ("input_ids", "token_type_ids")
        gave = subject.call({n: inputs[n][row : row + 1, :length] for n in names})
        found[f"{WORDS} row {row}"] = gave[WORDS][0]
        found[f"{ORDER} row {row}"] = gave[ORDER][0]
    return Pair(found, real(subject.outputs, inputs))


def rows_in_another_order(subject: Subject) -> Pair:
    """The rows of a batch turned round."""
    turned = {name: one[::-1].copy() for name, one in subject.case.inputs.items()}
    gave = subject.call(turned)
    return Pair({name: one[::-1] for name, one in gave.items()}, subject.outputs)


def longer_right_padding(subject: Subject) -> Pair:
    """More padding to the right."""
    inputs = subject.case.inputs
    longer = {name: np.pad(one, ((0, 0), (0, 5))) for name, one in inputs.items()}
    return Pair(real(subject.call(longer), inputs), real(subject.outputs, inputs))


def left_padding(subject: Subject) -> Pair:
    """Padding to the left, with the positions that the tokens have without it.

    What is pooled is the first place, which is padding then, so that the order is not
    compared.
    """
    inputs = subject.case.inputs
    turned = {name: np.zeros_like(one) for name, one in inputs.items()}
    for row, length in _lengths(inputs):
        for name, one in inputs.items():
            turned[name][row, -length:] = one[row, :length]
    positions = np.maximum(np.cumsum(turned["attention_mask"], -1) - 1, 0)
    turned["position_ids"] = positions.astype(np.int32)
    found = real(subject.call(turned), inputs, first=False)
    right = real(subject.outputs, inputs)
    words = [name for name in right if name.startswith(WORDS)]
    return Pair({n: found[n] for n in words}, {n: right[n] for n in words})


def hidden_tokens(subject: Subject) -> Pair:
    """Other tokens where the mask hides them: a probability of 0 leaves no trace."""
    inputs = dict(subject.case.inputs)
    others = np.random.default_rng(5).integers(1, 50, inputs["input_ids"].shape)
    hidden = inputs["attention_mask"] == 0
    changed = np.where(hidden, others, inputs["input_ids"]).astype(np.int32)
    if np.array_equal(changed, inputs["input_ids"]):
        raise ValueError("no token is hidden, so that nothing was changed")
    found = subject.call({**inputs, "input_ids": changed})
    right = real(subject.outputs, inputs)
    return Pair(real(found, inputs), right, bitwise=True)


def mask_of_truth_values(subject: Subject) -> Pair:
    """A mask of truth values, and one of numbers."""
    mask = subject.case.inputs["attention_mask"] != 0
    gave = subject.call({**subject.case.inputs, "attention_mask": mask})
    return Pair(gave, subject.outputs, bitwise=True)


def details(subject: Subject) -> Pair:
    """A call that gives hidden states and attentions, and one that does not."""
    gave = subject.call(
        subject.case.inputs, output_attentions=True, output_hidden_states=True
    )
    return Pair(gave, subject.outputs)


def twice(subject: Subject) -> Pair:
    """The same call again."""
    return Pair(subject.call(subject.case.inputs), subject.outputs, bitwise=True)


def as_tasks_call(subject: Subject) -> Pair:
    """The way of the tasks, which may leave padding out or fix lengths."""
    runner = importlib.import_module(f"albert.{subject.framework}.runner")
    gave = runner.Runner(subject.model)(subject.case.inputs, (WORDS, ORDER))
    inputs = subject.case.inputs
    return Pair(real(gave, inputs), real(subject.outputs, inputs))


CHECKS: dict[str, Check] = {
    "a text alone": alone,
    "rows in another order": rows_in_another_order,
    "longer right padding": longer_right_padding,
    "left padding with positions": left_padding,
    "hidden tokens": hidden_tokens,
    "mask of truth values": mask_of_truth_values,
    "with and without details": details,
    "the same call again": twice,
    "as tasks call": as_tasks_call,
}
