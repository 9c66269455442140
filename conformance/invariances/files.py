"""Saving and loading, in every form that is written."""

from __future__ import annotations

import tempfile
from functools import partial

from albert.common.saving import FORMATS, save_arrays
from conformance.invariances.subject import Check, Pair, Subject


def _saved(subject: Subject, form: str) -> Pair:
    """What a model saved, loaded again."""
    with tempfile.TemporaryDirectory() as folder:
        subject.model.save_pretrained(folder, format=form)
        model = subject.load(folder)
    return Pair(subject.call(subject.case.inputs, model), subject.outputs, bitwise=True)


def _in_parts(subject: Subject) -> Pair:
    """The weights over several files."""
    one = subject.case
    with tempfile.TemporaryDirectory() as folder:
        save_arrays(
            folder,
            one.config,
            one.weights(),
            one.class_name,
            max_shard_size="4KB",
        )
        model = subject.load(folder)
    return Pair(subject.call(one.inputs, model), subject.outputs, bitwise=True)


CHECKS: dict[str, Check] = {
    **{f"saved as {form}": partial(_saved, form=form) for form in FORMATS},
    "several files": _in_parts,
}
