"""The tasks by name, and which of them a checkpoint is for."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

from albert.common.tasks.task import Task

_MODULES: Mapping[str, tuple[str, str]] = {
    "fill-mask": ("fill_mask", "FillMask"),
    "text-classification": ("text_classification", "TextClassification"),
    "token-classification": ("token_classification", "TokenClassification"),
    "question-answering": ("question_answering", "QuestionAnswering"),
    "feature-extraction": ("feature_extraction", "FeatureExtraction"),
    "sentence-embedding": ("sentence_embedding", "SentenceEmbedding"),
    "multiple-choice": ("multiple_choice", "MultipleChoice"),
    "zero-shot-classification": ("zero_shot", "ZeroShotClassification"),
    "sentence-order": ("sentence_order", "SentenceOrder"),
}

_ALIASES: Mapping[str, str] = {
    "sentiment-analysis": "text-classification",
    "ner": "token-classification",
}

TASKS = (*_MODULES, *_ALIASES)
"""Every name that `pipeline` takes."""

DEMO_TASKS = ("fill-mask", "feature-extraction", "sentence-embedding", "sentence-order")
"""Tasks that the checkpoint in the package has a head for."""

_OF_CLASS: Mapping[str, str] = {
    "AlbertModel": "feature-extraction",
    "AlbertForPreTraining": "fill-mask",
    "AlbertForMaskedLM": "fill-mask",
    "AlbertForSequenceClassification": "text-classification",
    "AlbertForTokenClassification": "token-classification",
    "AlbertForQuestionAnswering": "question-answering",
    "AlbertForMultipleChoice": "multiple-choice",
}


def task_class(name: str) -> type[Task[Any]]:
    """Give a task's class.

    Args:
        name: as in `TASKS`.

    Returns:
        The class.

    Raises:
        ValueError: there is no such task.
    """
    name = _ALIASES.get(name, name)
    if name not in _MODULES:
        close = difflib.get_close_matches(name, TASKS, 1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        raise ValueError(
            f"task must be one of {', '.join(TASKS)}, but is {name!r}{meant}."
        )
    module, held = _MODULES[name]
    return getattr(importlib.import_module(f"albert.common.tasks.{module}"), held)


def task_of(class_name: str | None) -> str:
    """Tell which task a class of model is for.

    Args:
        class_name: PyTorch's name, as `architectures` in a configuration has it.

    Returns:
        The task's name.

    Raises:
        ValueError: it is not known.
    """
    bare = (class_name or "").removeprefix("TF").removeprefix("Flax")
    if bare not in _OF_CLASS:
        raise ValueError(
            f"task must be given, since the model's configuration does not say what it "
            f"is for; it may be one of {', '.join(TASKS)}."
        )
    return _OF_CLASS[bare]
