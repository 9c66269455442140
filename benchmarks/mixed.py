"""Item 4: real texts of mixed lengths through `pipeline("text-classification")`."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.alternate import Samples
from benchmarks.session import Session, in_seconds
from benchmarks.worker import Worker

WANTED = {"albert-pt": 10.0, "albert-tf": 6.0, "albert-flax": 6.0}
PEER = "transformers-pt"
BATCH = 32
WORDS = ("the", "of", "and", "to", "in", "was", "for", "on", "that", "with", "as")


def measure(
    session: Session,
    wanted: Mapping[str, float] = WANTED,
    item: int = 4,
    **options: Any,
) -> None:
    """Measure and add a line for each framework.

    Args:
        session: of this run.
        wanted: least ratio, by contender.
        item: number in the issue.
        **options: of the workers.
    """
    plan = session.plan
    texts, source = corpus(session.data, plan.texts - plan.long_texts, plan.long_texts)
    file = session.scratch / "texts.json"
    file.write_text(json.dumps(texts), encoding="utf-8")
    folder = session.scratch / "classifier"
    real, padded = write_classifier(session, folder, texts)
    session.notes["mixed texts"] = {
        "number": len(texts),
        "source": source,
        "tokens": real,
        "tokens in batches of 32 as they come": padded,
    }
    session.say(f"{len(texts)} texts of {source}, {padded / real:.1f} x padded")
    names = (*wanted, PEER)
    with session.started(names, checkpoint=str(folder), **options) as workers:
        session.seen(workers)
        # Ours once before, for the shapes to be compiled; of the peer, a few texts do.
        for name, worker in workers.items():
            last = 4 if name == PEER else None
            answer = worker.ask(call="pipeline", texts=str(file), last=last)
            if name != PEER:
                first = session.notes.setdefault("first pass, seconds", {})
                first[name] = answer["seconds"][0]
        samples = _in_turn(workers, str(file), parts(len(texts), plan.pipeline_turns))
    shape = f"{len(texts)} texts"
    session.keep("mixed texts", shape, samples)
    notes = [] if session.data else ["made-up texts of the same lengths"]
    if plan.pipeline_layers is not None:
        notes.append(f"{plan.pipeline_layers} layers")
    whole = [sum(samples[PEER])] * len(samples[PEER])
    for name, least in wanted.items():
        session.compare(
            item,
            f"pipeline on mixed lengths {options.get('dtype', '')}".rstrip(),
            shape,
            (name, samples[name]),
            (PEER, whole),
            least,
            in_seconds,
            note=", ".join(notes),
        )


def parts(number: int, turns: int) -> list[tuple[int, int]]:
    """Cut a pass into turns, between two of its batches of 32.

    Args:
        number: of texts.
        turns: at most so many.

    Returns:
        First text of each part, and the first after it.
    """
    batches = -(-number // BATCH)
    each = -(-batches // turns) * BATCH
    return [(first, min(first + each, number)) for first in range(0, number, each)]


def _in_turn(
    workers: Mapping[str, Worker], file: str, cuts: Sequence[tuple[int, int]]
) -> Samples:
    """Let ours answer all the texts in each turn, and the peer a part of them.

    The peer takes batch after batch as they come, so its parts add up to its whole
    pass. Ours puts texts of like lengths together, and must see them all.
    """
    samples: Samples = {name: [] for name in workers}
    for first, last in cuts:
        for name, worker in workers.items():
            part = {"first": first, "last": last} if name == PEER else {}
            answer = worker.ask(call="pipeline", texts=file, **part)
            samples[name] += answer["seconds"]
    return samples


def corpus(data: Path | None, short: int, long: int) -> tuple[list[str], str]:
    """Give sentences and paragraphs, shuffled, always the same ones.

    Args:
        data: folder with `ud_english_ewt/test.jsonl` and `squad/devset-v1.1.eval.json`;
            None makes texts up whose lengths are distributed like theirs.
        short: number of sentences.
        long: number of paragraphs.

    Returns:
        The texts, and where they are from.
    """
    draw = random.Random(0)
    if data is None:
        texts = [_made_up(draw, 12.4, 0.85, 90) for _ in range(short)]
        texts += [_made_up(draw, 118.0, 0.38, 500) for _ in range(long)]
        source = "made-up words"
    else:
        texts = draw.sample(list(_sentences(data)), short)
        texts += draw.sample(list(_paragraphs(data)), long)
        source = "UD EWT and SQuAD"
    draw.shuffle(texts)
    return texts, source


def write_classifier(
    session: Session, folder: Path, texts: list[str]
) -> tuple[int, int]:
    """Write a checkpoint with random weights and the packaged tokenizer.

    Args:
        session: of this run; its configuration is written.
        folder: to write to.
        texts: to count the tokens of.

    Returns:
        Tokens of the texts; the same with padding, in batches of 32 as they come.
    """
    from albert import AlbertConfig, AlbertForSequenceClassification, AutoTokenizer

    layers = session.plan.pipeline_layers
    depth = {} if layers is None else {"num_hidden_layers": layers}
    config = AlbertConfig(**session.config(**depth))
    AlbertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained("albert-demo")
    tokenizer.save_pretrained(folder)
    longest = config.max_position_embeddings
    encoded = tokenizer(texts, truncation=True, max_length=longest)
    lengths = [len(row) for row in encoded["input_ids"]]
    batches = [lengths[first:last] for first, last in parts(len(lengths), len(lengths))]
    return sum(lengths), sum(len(batch) * max(batch) for batch in batches)


def _sentences(data: Path) -> Iterator[str]:
    with open(data / "ud_english_ewt" / "test.jsonl", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]


def _paragraphs(data: Path) -> Iterator[str]:
    with open(data / "squad" / "devset-v1.1.eval.json", encoding="utf-8") as file:
        for article in json.load(file)["data"]:
            for paragraph in article["paragraphs"]:
                yield paragraph["context"]


def _made_up(draw: random.Random, middle: float, spread: float, most: int) -> str:
    """Make a text whose number of words is log-normal."""
    number = round(middle * draw.lognormvariate(0, spread))
    return " ".join(draw.choices(WORDS, k=min(max(number, 1), most)))
