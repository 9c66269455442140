"""The examples that the heads learn from, read from the folder of data.

`fixtures/tasks/README.md` names the data and their licences. Nothing of them is part
of this repository but what the heads have learnt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

TAGS = [
    "ADJ",
    "ADP",
    "ADV",
    "AUX",
    "CCONJ",
    "DET",
    "INTJ",
    "NOUN",
    "NUM",
    "PART",
    "PRON",
    "PROPN",
    "PUNCT",
    "SCONJ",
    "SYM",
    "VERB",
    "X",
]
ENTITIES = ["O", "B-NAME", "I-NAME", "B-NUM", "I-NUM"]
RELATIONS = ["entailment", "neutral", "contradiction"]
FEATURES = {
    "number": "NUM",
    "name": "PROPN",
    "pronoun": "PRON",
    "adjective": "ADJ",
    "adverb": "ADV",
    "punctuation": "PUNCT",
}
"""Label of the multi-label checkpoint -> the part of speech that must occur."""


class Example(NamedTuple):
    """A text or a pair with what is right for it.

    Fields:
        text: the first text.
        pair: the second, or None.
        label: index, number, or 0 and 1 for each label; of a choice, whether it is
            the right one.
    """

    text: str
    pair: str | None
    label: Any


class Tagged(NamedTuple):
    """A sentence with labelled stretches.

    Fields:
        text: the sentence.
        spans: first character, character after the last, part of speech.
    """

    text: str
    spans: list[tuple[int, int, str]]


class Question(NamedTuple):
    """A question about a text.

    Fields:
        question: the question.
        context: the text.
        span: first character of the answer and the one after its last; None if the
            text does not answer it.
    """

    question: str
    context: str
    span: tuple[int, int] | None


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def topic_names(data: Path) -> list[str]:
    """List the ten domains of CLINC150."""
    path = data / "clinc150" / "domains.json"
    return list(json.loads(path.read_text(encoding="utf-8")))


def topics(data: Path, held_out: bool) -> list[Example]:
    """Read requests with their domain, without those that are out of scope."""
    folder = data / "clinc150"
    domains = json.loads((folder / "domains.json").read_text(encoding="utf-8"))
    known = {intent: n for n, d in enumerate(domains) for intent in domains[d]}
    path = folder / ("test.jsonl" if held_out else "train.jsonl")
    return [
        Example(row["text"], None, known[row["label"]])
        for row in _rows(path)
        if row["label"] in known
    ]


def similarity(data: Path, held_out: bool) -> list[Example]:
    """Read pairs of captions with their similarity, 0 to 5."""
    path = data / "sts_images" / ("eval.jsonl" if held_out else "train.jsonl")
    return [
        Example(row["sentence1"], row["sentence2"], float(row["score"]))
        for row in _rows(path)
    ]


def nli(data: Path, held_out: bool) -> list[Example]:
    """Read premises and hypotheses with their relation."""
    path = data / "snli_dev_test" / ("test.jsonl" if held_out else "dev.jsonl")
    return [
        Example(row["premise"], row["hypothesis"], RELATIONS.index(row["label"]))
        for row in _rows(path)
    ]


def choice(data: Path, held_out: bool) -> list[Example]:
    """Read beginnings with one of four endings each; four rows are one question."""
    path = data / "codah" / ("test.jsonl" if held_out else "train.jsonl")
    return [
        Example(row["prompt"], ending, float(number == row["label"]))
        for row in _rows(path)
        for number, ending in enumerate(row["choices"])
    ]


def multi_label(data: Path, held_out: bool) -> list[Example]:
    """Read sentences with which parts of speech occur in them."""
    examples: list[Example] = []
    for sentence in tagged(data, held_out):
        there = {tag for _, _, tag in sentence.spans}
        label = [float(tag in there) for tag in FEATURES.values()]
        examples.append(Example(sentence.text, None, label))
    return examples


def tagged(data: Path, held_out: bool) -> list[Tagged]:
    """Read sentences whose words are all found in their text, one after another."""
    path = data / "ud_english_ewt" / ("test.jsonl" if held_out else "train.jsonl")
    found: list[Tagged] = []
    for row in _rows(path):
        spans: list[tuple[int, int, str]] = []
        at = 0
        for token, tag in zip(row["tokens"], row["upos"], strict=True):
            start = row["text"].find(token, at)
            if start < 0 or row["text"][at:start].strip() or tag not in TAGS:
                break
            at = start + len(token)
            spans.append((start, at, tag))
        else:
            found.append(Tagged(row["text"], spans))
    return found


def entity_spans(sentence: Tagged) -> list[tuple[int, int, str]]:
    """Join neighbouring proper nouns and neighbouring numbers."""
    kinds = {"PROPN": "NAME", "NUM": "NUM"}
    joined: list[tuple[int, int, str]] = []
    last = ""
    for start, end, tag in sentence.spans:
        kind = kinds.get(tag, "")
        if kind and kind == last:
            joined[-1] = (joined[-1][0], end, kind)
        elif kind:
            joined.append((start, end, kind))
        last = kind
    return joined


def questions(data: Path, held_out: bool) -> list[Question]:
    """Read questions of SQuAD 2.0, a good half of which have an answer."""
    name = "devset-v2.0.eval.json" if held_out else "devset-v2.0.train.json"
    parsed = json.loads((data / "squad" / name).read_text(encoding="utf-8"))
    return [
        Question(qa["question"], paragraph["context"], _span(qa))
        for article in parsed["data"]
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]


def _span(qa: dict[str, Any]) -> tuple[int, int] | None:
    if qa["is_impossible"]:
        return None
    answer = qa["answers"][0]
    return answer["answer_start"], answer["answer_start"] + len(answer["text"])
