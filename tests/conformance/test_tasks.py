"""Every pipeline against what transformers 4.57.6 answers, in all three frameworks.

Labels, words, spans, order and fields must be equal. Scores may differ by 1e-4: they
are computed in float32 by other libraries in another order, which moves a logit by some
1e-5, and a sum of several answers' scores by a multiple of it.
"""

import functools
import json
import warnings

import numpy as np
import pytest

from albert.common.tasks.pipeline import pipeline
from conformance.tasks import checkpoints

FRAMEWORKS = ("pt", "tf", "flax")
GOLDENS = checkpoints.FOLDER / "goldens"
NAMES = sorted(path.stem for path in GOLDENS.glob("*.json"))


@functools.cache
def golden(name):
    """Read a file of recorded answers, with the long texts in their places."""
    texts = json.loads((GOLDENS.parent / "texts.json").read_text(encoding="utf-8"))
    return _filled(json.loads((GOLDENS / f"{name}.json").read_text("utf-8")), texts)


def _filled(value, texts):
    if isinstance(value, dict):
        return {name: _filled(part, texts) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, texts) for part in value]
    if isinstance(value, str):
        for name, text in texts.items():
            value = value.replace(f"{{{name}}}", text)
    return value


def answers(folders, framework, recorded):
    """Answer the calls of a file; what they hold is in the forms of the file."""
    model = recorded["model"]
    folder = folders / model if (folders / model).is_dir() else model
    pipe = pipeline(recorded["task"], model=folder, framework=framework)
    return [
        _recorded_form(recorded["task"], call, _answer(pipe, recorded["task"], call))
        for call in recorded["calls"]
    ]


def _answer(pipe, task, call):
    settings = call.get("settings", {})
    if settings:
        pipe = pipeline(task, model=pipe.model, tokenizer=pipe.tokenizer, **settings)
    inputs = [] if call["inputs"] is None else [call["inputs"]]
    with warnings.catch_warnings():
        # That a text is cut or an argument old is said; other tests look at it.
        warnings.simplefilter("ignore", UserWarning)
        return pipe(*inputs, **call.get("arguments", {}))


def _recorded_form(task, call, output):
    if task == "feature-extraction":
        return _features(output)
    if task == "multiple-choice":
        assert [one["choice"] for one in output] == [
            call["inputs"]["choices"][one["index"]] for one in output
        ]
        best_first = [one["score"] for one in output]
        assert best_first == sorted(best_first, reverse=True)
        return {"scores": [o["score"] for o in sorted(output, key=_index)]}
    if task == "sentence-order":
        assert output["label"] == ("in_order" if output["score"] > 0.5 else "swapped")
        return {"score": output["score"]}
    return output


def _index(one):
    return one["index"]


def _features(output):
    """Keep the shape and the first features of each token, as the files do."""
    if isinstance(output, list) and isinstance(output[0][0][0], list):
        return [_features(one) for one in output]
    array = np.asarray(output)
    return {"shape": list(array.shape), "features": array[..., :8].tolist()}


def _expected(task, call):
    """Give the recorded answer as this package's tokenizer spells it.

    transformers' offsets of a word begin at the blank before it, this package's at the
    word (docs/migration.md, Tokenizers). A piece that is but a blank covers nothing
    here, one character there. And its fast tokenizer, unlike its slow one and ours,
    leaves a blank at the end of a text that ends in such a piece.
    """
    if task == "question-answering":
        return _without_blank(call["output"])
    if task == "token-classification":
        given, arguments = call["inputs"], call.get("arguments", {})
        if arguments.get("is_split_into_words"):
            given = given if isinstance(given[0], list) else [given]
            given = [arguments.get("delimiter", " ").join(words) for words in given]
        if isinstance(given, str):
            return [_at_word(entity, given) for entity in call["output"]]
        return [
            [_at_word(entity, text) for entity in found]
            for text, found in zip(given, call["output"], strict=True)
        ]
    if task == "fill-mask":
        return _stripped(call["output"])
    return call["output"]


def _stripped(output):
    if isinstance(output, list):
        return [_stripped(one) for one in output]
    return {**output, "sequence": output["sequence"].rstrip()}


def _without_blank(answer):
    if isinstance(answer, list):
        return [_without_blank(one) for one in answer]
    text = answer["answer"].lstrip()
    return {**answer, "start": answer["end"] - len(text), "answer": text}


def _at_word(entity, text):
    covered = text[entity["start"] : entity["end"]]
    blanks = len(covered) - len(covered.lstrip())
    start = entity["start"] + blanks
    entity = {**entity, "word": entity["word"].rstrip()}
    if not entity["word"].strip("▁"):
        return {**entity, "start": start, "end": start}
    return {**entity, "start": start}


def check(found, right, tolerance, path="answer"):
    if isinstance(right, dict):
        assert list(found) == list(right), path
        for name in right:
            check(found[name], right[name], tolerance, f"{path}.{name}")
    elif isinstance(right, list):
        assert isinstance(found, list), path
        assert len(found) == len(right), path
        for number, part in enumerate(right):
            check(found[number], part, tolerance, f"{path}[{number}]")
    elif isinstance(right, float):
        assert abs(float(found) - right) <= tolerance(right), (
            f"{path}: {found}, {right}"
        )
    else:
        assert found == right, path
        assert type(found) is type(right), path


def _tolerance(task):
    if task == "feature-extraction":
        return _of_feature
    return _of_score


def _of_score(right):
    """Allow 1e-4, and of a small score a thousandth: many answers have one below."""
    return min(1e-4, 1e-6 + 1e-3 * abs(right))


def _of_feature(right):
    """Allow 1e-4 of a size of one: features are rounded to six digits."""
    return 1e-4 * max(1.0, abs(right))


def test_every_task_of_transformers_is_recorded():
    assert {golden(name)["task"] for name in NAMES} == {
        "fill-mask",
        "text-classification",
        "token-classification",
        "question-answering",
        "feature-extraction",
        "zero-shot-classification",
        "multiple-choice",
        "sentence-order",
    }
    assert {golden(name)["transformers"] for name in NAMES} == {"4.57.6"}


@pytest.mark.parametrize("name", NAMES)
def test_the_answers_are_those_of_transformers(task_checkpoints, name):
    recorded = golden(name)
    task = recorded["task"]
    found = [answers(task_checkpoints, one, recorded) for one in FRAMEWORKS]
    for number, call in enumerate(recorded["calls"]):
        right = _expected(task, call)
        for framework, given in zip(FRAMEWORKS, found, strict=True):
            said = f"{framework}, {call['name']}"
            check(given[number], right, _tolerance(task), said)
            check(given[number], found[0][number], _tolerance(task), f"{said} and pt")
