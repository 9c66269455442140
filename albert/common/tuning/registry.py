"""The tasks of fine-tuning by name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from albert.common.tuning.kind import Kind

_MODULES: Mapping[str, tuple[str, str]] = {
    "text-classification": ("text_classification", "TextKind"),
    "token-classification": ("token_classification", "TokenKind"),
    "question-answering": ("question_answering", "QuestionKind"),
    "multiple-choice": ("multiple_choice", "ChoiceKind"),
    "fill-mask": ("fill_mask", "MaskKind"),
}

TASKS = tuple(_MODULES)
"""Every task that can be fine-tuned."""


def kind_of(task: str) -> type[Kind]:
    """Give what fine-tuning knows of a task.

    Args:
        task: one of `TASKS`.

    Returns:
        The class.

    Raises:
        ValueError: there is no such task.
    """
    if task not in _MODULES:
        raise ValueError(f"task must be one of {', '.join(TASKS)}, but is {task!r}.")
    module, held = _MODULES[task]
    return getattr(importlib.import_module(f"albert.common.tuning.{module}"), held)
