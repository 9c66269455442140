"""The README.md of a repository: what it holds and how to use it."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from albert.common.config import AlbertConfig
from albert.common.hub import can_be_repository

Evaluation = Mapping[str, Mapping[str, float]]
"""Values by data set and metric: `{"SST-2": {"accuracy": 0.926}}`."""

PIPELINE_TAGS = {
    "AlbertModel": "feature-extraction",
    "AlbertForPreTraining": "fill-mask",
    "AlbertForMaskedLM": "fill-mask",
    "AlbertForSequenceClassification": "text-classification",
    "AlbertForMultipleChoice": "multiple-choice",
    "AlbertForTokenClassification": "token-classification",
    "AlbertForQuestionAnswering": "question-answering",
}
"""What the hub calls the task of each class."""

_SIZES = (
    "vocab_size",
    "embedding_size",
    "hidden_size",
    "num_hidden_layers",
    "num_hidden_groups",
    "inner_group_num",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "max_position_embeddings",
    "type_vocab_size",
)
_WITH_LABELS = ("AlbertForSequenceClassification", "AlbertForTokenClassification")


class _Framework(NamedTuple):
    title: str
    prefix: str
    tensors: str
    imports: str
    call: str


_FRAMEWORKS = (
    _Framework(
        "PyTorch",
        "",
        "pt",
        "import numpy as np\nimport torch\n",
        "with torch.no_grad():\n    outputs = model(**inputs)",
    ),
    _Framework(
        "Keras", "TF", "tf", "import numpy as np\n", "outputs = model(dict(inputs))"
    ),
    _Framework(
        "Flax", "Flax", "jax", "import numpy as np\n", "outputs = model(**inputs)"
    ),
)

_MASKED = 'inputs = tokenizer("A [MASK] of the sea.", return_tensors="{tensors}")'
_PLAIN = 'inputs = tokenizer("She sells sea shells.", return_tensors="{tensors}")'
_FILL_IN = """\
position = np.asarray(inputs["input_ids"])[0].tolist().index(tokenizer.mask_token_id)
best = np.asarray(outputs.{scores})[0, position].argmax()
print(tokenizer.decode([int(best)]))"""
_NAME_LABEL = """\
print(model.config.id2label[int(np.asarray(outputs.logits)[0].argmax())])"""
_NAME_LABELS = """\
best = np.asarray(outputs.logits)[0].argmax(-1)
print([model.config.id2label[int(index)] for index in best])"""
_CHOICES = """\
choices = ["She eats it.", "She sells it."]
rows = tokenizer(
    ["She has a shell."] * 2, choices, padding=True, return_tensors="{tensors}"
)
inputs = {{name: value[None] for name, value in rows.items()}}"""
_CHOOSE = "print(choices[int(np.asarray(outputs.logits)[0].argmax())])"
_QUESTION = """\
inputs = tokenizer(
    "What does she sell?", "She sells sea shells.", return_tensors="{tensors}"
)"""
_ANSWER = """\
start = int(np.asarray(outputs.start_logits)[0].argmax())
end = int(np.asarray(outputs.end_logits)[0].argmax())
ids = np.asarray(inputs["input_ids"])[0].tolist()
print(tokenizer.decode(ids[start : end + 1]))"""

# What goes in and what is read from the outputs, alike in all frameworks.
_EXAMPLES = {
    "AlbertModel": (_PLAIN, "print(np.asarray(outputs.last_hidden_state).shape)"),
    "AlbertForPreTraining": (_MASKED, _FILL_IN.format(scores="prediction_logits")),
    "AlbertForMaskedLM": (_MASKED, _FILL_IN.format(scores="logits")),
    "AlbertForSequenceClassification": (_PLAIN, _NAME_LABEL),
    "AlbertForTokenClassification": (_PLAIN, _NAME_LABELS),
    "AlbertForMultipleChoice": (_CHOICES, _CHOOSE),
    "AlbertForQuestionAnswering": (_QUESTION, _ANSWER),
}


def model_card(
    config: AlbertConfig,
    class_name: str,
    parameters: int,
    *,
    repo_id: str,
    training_data: str | Sequence[str] | None = None,
    training: Mapping[str, object] | None = None,
    evaluation: Evaluation | None = None,
    notice: str | None = None,
    language: str | Sequence[str] | None = None,
    license: str | None = None,
    tags: Sequence[str] = (),
) -> str:
    """Write the card of a model.

    Args:
        config: of the model.
        class_name: PyTorch's name of the class, such as "AlbertForMaskedLM".
        parameters: how many there are, each shared one once.
        repo_id: the repository, for the examples.
        training_data: names of data sets, or a sentence.
        training: how it was trained, by name.
        evaluation: values by data set and metric.
        notice: what a user must know before all else; it stands in bold at the top.
        language: a code such as "en", or several.
        license: the hub's name of it, such as "apache-2.0".
        tags: further ones beside "albert".

    Returns:
        Text of README.md.

    Raises:
        ValueError: the class is none of this package's, the name cannot be a
            repository's, or a value is no finite number.
    """
    check_repo_id(repo_id)
    if class_name not in PIPELINE_TAGS:
        raise ValueError(
            f"class_name must be one of {', '.join(PIPELINE_TAGS)}, but is "
            f"{class_name!r}."
        )
    data = _several(training_data)
    results = _checked(evaluation or {})
    head = _metadata(
        repo_id,
        PIPELINE_TAGS[class_name],
        results,
        datasets=[name for name in data if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name)],
        language=_several(language),
        license=license,
        tags=tags,
    )
    about = (
        f"An ALBERT model, `{class_name}`, with {parameters:,} parameters. It loads in "
        f"PyTorch, Keras and Flax with `albert-models`."
    )
    parts = [
        head,
        f"# {repo_id.split('/')[-1]}",
        *([f"**{_plain(notice)}**"] if notice else []),
        about,
        "## Configuration",
        _configuration(config, class_name, parameters),
        "## Training data",
        "\n".join(f"- {_plain(name)}" for name in data) or "Not stated.",
    ]
    if training:
        how = [(name, f"{value}") for name, value in training.items()]
        parts += ["## Training", _table(("setting", "value"), how)]
    if results:
        rows = [
            (dataset, metric, f"{value:.6g}")
            for dataset, metrics in results.items()
            for metric, value in metrics.items()
        ]
        table = _table(("data set", "metric", "value"), rows)
        parts += ["## Evaluation", table]
    parts += ["## Usage", *_usage(class_name, repo_id)]
    return "\n\n".join(parts) + "\n"


def tokenizer_card(
    class_name: str,
    settings: Mapping[str, object],
    *,
    repo_id: str,
    language: str | Sequence[str] | None = None,
    license: str | None = None,
    tags: Sequence[str] = (),
) -> str:
    """Write the card of a repository that has a tokenizer and no model yet.

    Args:
        class_name: of the tokenizer.
        settings: what to list, by name.
        repo_id: the repository, for the example.
        language: a code such as "en", or several.
        license: the hub's name of it, such as "apache-2.0".
        tags: further ones beside "albert".

    Returns:
        Text of README.md, with a mark by which `is_tokenizer_card` knows it.

    Raises:
        ValueError: the name cannot be a repository's.
    """
    check_repo_id(repo_id)
    head = _metadata(
        repo_id, None, {}, language=_several(language), license=license, tags=tags
    )
    code = (
        f"from albert import {class_name}\n\n"
        f'tokenizer = {class_name}.from_pretrained("{repo_id}")\n'
        f'print(tokenizer("She sells sea shells.")["input_ids"])'
    )
    rows = [(name, f"`{value}`") for name, value in settings.items()]
    parts = [
        head,
        f"# {repo_id.split('/')[-1]}",
        "An ALBERT tokenizer, for `albert-models`.",
        _table(("setting", "value"), rows),
        "## Usage",
        f"```python\n{code}\n```",
    ]
    text = "\n\n".join(parts) + "\n"
    return text + _mark(text)


def check_repo_id(repo_id: object) -> None:
    """Refuse what cannot be a repository's name.

    Args:
        repo_id: "owner/name", or just the name.

    Raises:
        ValueError: it cannot be one.
    """
    if not can_be_repository(repo_id):
        raise ValueError(
            f"repo_id must be a name that a repository on the hub can have, such as "
            f"'owner/name', but is {repo_id!r}."
        )


def is_tokenizer_card(text: str) -> bool:
    """Tell whether a text is `tokenizer_card`'s and nobody has changed it."""
    start = text.rfind("\n<!-- albert-models ") + 1
    return start > 0 and text[start:] == _mark(text[:start])


def _mark(text: str) -> str:
    return f"<!-- albert-models {hashlib.sha256(text.encode()).hexdigest()} -->\n"


def _checked(evaluation: Any) -> dict[str, dict[str, float]]:
    if not _is_named(evaluation) or not all(map(_is_named, evaluation.values())):
        raise ValueError(
            f"evaluation must have numbers by data set and metric, such as "
            f"{{'SST-2': {{'accuracy': 0.926}}}}, but is {evaluation!r}."
        )
    for dataset, metrics in evaluation.items():
        for metric, value in metrics.items():
            if not _is_finite(value):
                raise ValueError(
                    f"evaluation must have finite numbers, but {dataset!r} has "
                    f"{metric} = {value!r}."
                )
    return {
        dataset: {metric: float(value) for metric, value in metrics.items()}
        for dataset, metrics in evaluation.items()
    }


def _is_named(value: Any) -> bool:
    """Whether it is a mapping from texts."""
    return isinstance(value, Mapping) and all(
        isinstance(name, str) for name in cast(Mapping[Any, Any], value)
    )


def _is_finite(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False


def _metadata(
    repo_id: str,
    pipeline_tag: str | None,
    evaluation: Evaluation,
    *,
    datasets: Sequence[str] = (),
    language: Sequence[str] = (),
    license: str | None = None,
    tags: Sequence[str] = (),
) -> str:
    """Write the block that the hub reads, in its own words."""
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type=pipeline_tag or "other",
            dataset_type=_slug(dataset),
            dataset_name=dataset,
            metric_type=_slug(metric),
            metric_name=metric,
            metric_value=value,
        )
        for dataset, metrics in evaluation.items()
        for metric, value in metrics.items()
    ]
    data: Any = ModelCardData(
        language=list(language) or None,
        license=license,
        library_name="albert",
        pipeline_tag=pipeline_tag,
        datasets=list(datasets) or None,
        tags=list(dict.fromkeys(["albert", *tags])),
        model_name=repo_id.split("/")[-1] if results else None,
        eval_results=results or None,
    )
    return f"---\n{data.to_yaml().rstrip()}\n---"


def _configuration(config: AlbertConfig, class_name: str, parameters: int) -> str:
    rows = [(name, f"{getattr(config, name)}") for name in _SIZES]
    if class_name in _WITH_LABELS:
        labels = [config.id2label[index] for index in sorted(config.id2label)]
        rows.append(("labels", ", ".join(labels)))
    return _table(("setting", "value"), [*rows, ("parameters", f"{parameters:,}")])


def _usage(class_name: str, repo_id: str) -> Iterable[str]:
    inputs, reading = _EXAMPLES[class_name]
    for each in _FRAMEWORKS:
        model = f"{each.prefix}{class_name}"
        names = ", ".join(sorted(("AlbertTokenizer", model)))
        code = (
            f"{each.imports}\n"
            f"from albert import {names}\n\n"
            f'tokenizer = AlbertTokenizer.from_pretrained("{repo_id}")\n'
            f'model = {model}.from_pretrained("{repo_id}")\n'
            f"{inputs.format(tensors=each.tensors)}\n"
            f"{each.call}\n"
            f"{reading}"
        )
        yield f"{each.title}:"
        yield f"```python\n{code}\n```"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_plain, line))} |" for line in lines)


def _plain(text: str) -> str:
    """Keep a text from ending its line or its cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _slug(text: str) -> str:
    return re.sub(r"\s+", "-", text.strip().lower())


def _several(given: str | Sequence[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else list(given or ())
