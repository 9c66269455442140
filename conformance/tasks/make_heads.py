"""Train the heads of the task checkpoints on frozen features of albert-demo.

The encoder is never trained: its outputs are computed once, and a head learns from
them. Classifiers of whole texts train a pooler of their own, too. Run from the
repository's root, with PyTorch installed; DATA is the folder of data:

    python -m conformance.tasks.make_heads DATA [NAME...]

It takes about ten minutes on two cores and prints the figures on held-out examples
that `fixtures/tasks/README.md` has. Seeds are fixed, but another machine's rounding may
give heads whose answers differ from the recorded ones: make those again afterwards.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from albert.common.checkpoint.safetensors import write_file
from albert.common.hub import DEMO_NAME
from albert.common.tokenization import AlbertTokenizerFast
from albert.pt import AlbertModel
from conformance.tasks import data
from conformance.tasks.checkpoints import HEADS

SEED = 53
_BATCH = 64
_LONGEST = 384
Tensor = torch.Tensor
Loss = Callable[[Tensor, Tensor], Tensor]


class Features:
    """What the frozen encoder gives.

    Attributes:
        tokenizer: albert-demo's.
        model: its encoder, in inference mode.
    """

    def __init__(self) -> None:
        self.tokenizer = AlbertTokenizerFast.from_pretrained(DEMO_NAME)
        self.model = AlbertModel.from_pretrained(DEMO_NAME)

    def first(self, examples: Sequence[data.Example]) -> Tensor:
        """Give the first token's vectors, float [N, H]."""
        texts = [e.text if e.pair is None else (e.text, e.pair) for e in examples]
        found: list[Any] = [None] * len(texts)
        for indices, hidden, _ in self._batches(texts):
            for row, index in enumerate(indices):
                found[index] = hidden[row, 0]
        return torch.stack(found)

    def pieces(
        self, texts: Sequence[Any]
    ) -> Iterator[tuple[int, Tensor, list[tuple[int, int]], list[int | None]]]:
        """Give each text's index, float [S, H], spans and which of the pair each is."""
        for indices, hidden, batch in self._batches(texts):
            for row, index in enumerate(indices):
                size = int(np.sum(batch["attention_mask"][row]))
                spans = [tuple(span) for span in batch["offset_mapping"][row][:size]]
                sides = batch.sequence_ids(row)[:size]
                yield index, hidden[row, :size], spans, sides

    def _batches(self, texts: Sequence[Any]) -> Iterator[tuple[list[int], Tensor, Any]]:
        order = sorted(range(len(texts)), key=lambda n: len(str(texts[n])))
        for at in range(0, len(order), _BATCH):
            indices = order[at : at + _BATCH]
            batch = self.tokenizer(
                [texts[n] for n in indices],
                padding=True,
                truncation=True,
                max_length=_LONGEST,
                return_offsets_mapping=True,
            )
            inputs = {
                name: torch.tensor(batch[name])
                for name in ("input_ids", "attention_mask", "token_type_ids")
            }
            with torch.no_grad():
                yield indices, self.model(**inputs).last_hidden_state, batch


def fit(
    head: nn.Module, inputs: Tensor, labels: Tensor, loss: Loss, epochs: int
) -> None:
    """Train a head on cached features; the rate falls linearly to zero."""
    torch.manual_seed(SEED)
    optimizer = torch.optim.AdamW(head.parameters(), lr=2e-3, weight_decay=0.01)
    steps = epochs * -(-len(inputs) // _BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    head.train()
    for _ in range(epochs):
        for indices in torch.randperm(len(inputs)).split(_BATCH):
            optimizer.zero_grad()
            loss(head(inputs[indices].float()), labels[indices]).backward()
            optimizer.step()
            schedule.step()
    head.eval()


class PooledHead(nn.Module):
    """A pooler that starts as albert-demo's, and a classifier."""

    def __init__(self, pooler: nn.Linear, width: int) -> None:
        super().__init__()
        size = pooler.in_features
        self.pooler = nn.Linear(size, size)
        self.pooler.load_state_dict(pooler.state_dict())
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(size, width)

    def forward(self, first: Tensor) -> Tensor:
        """Map the first token's vectors, float [..., H], to scores [..., L]."""
        return self.classifier(self.dropout(torch.tanh(self.pooler(first))))


def save(name: str, head: nn.Module, class_name: str, **fields: Any) -> None:
    """Write a head's weights as float16, and the fields of the configuration."""
    prefix = {"pooler": "albert.pooler"}
    arrays: dict[str, np.ndarray] = {}
    for key, tensor in head.state_dict().items():
        module, _, kind = key.rpartition(".")
        arrays[f"{prefix.get(module, module)}.{kind}"] = tensor.half().numpy()
    write_file(HEADS / f"{name}.safetensors", arrays)
    overlay = {"architectures": [class_name], **fields}
    text = json.dumps(overlay, indent=2, sort_keys=True)
    (HEADS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def labelled(labels: Sequence[str]) -> dict[str, Any]:
    """Give the fields that name the labels."""
    return {
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "label2id": {label: number for number, label in enumerate(labels)},
        "num_labels": len(labels),
    }


def _pooled(
    features: Features,
    examples: tuple[Sequence[data.Example], Sequence[data.Example]],
    width: int,
    kind: torch.dtype,
    loss: Loss,
    epochs: int,
) -> tuple[PooledHead, Tensor, Tensor]:
    """Train a classifier of texts; give it, and held-out scores and labels."""
    train, held_out = examples
    pooler = features.model.pooler
    assert pooler is not None
    torch.manual_seed(SEED)
    head = PooledHead(pooler, width)
    labels = torch.tensor([example.label for example in train], dtype=kind)
    fit(head, features.first(train), labels, loss, epochs)
    with torch.no_grad():
        scores = head(features.first(held_out))
    return head, scores, torch.tensor([e.label for e in held_out], dtype=kind)


def make_topics(features: Features, folder: Path) -> str:
    """Train the ten domains of CLINC150."""
    labels = data.topic_names(folder)
    examples = data.topics(folder, False), data.topics(folder, True)
    loss = nn.CrossEntropyLoss()
    made = _pooled(features, examples, len(labels), torch.long, loss, 40)
    head, scores, right = made
    save("topics", head, "AlbertForSequenceClassification", **labelled(labels))
    return f"accuracy {_accuracy(scores, right)} of {len(right)}"


def make_similarity(features: Features, folder: Path) -> str:
    """Train the similarity of captions, a number."""
    examples = data.similarity(folder, False), data.similarity(folder, True)

    def loss(scores: Tensor, labels: Tensor) -> Tensor:
        return nn.functional.mse_loss(scores[:, 0], labels)

    head, scores, right = _pooled(features, examples, 1, torch.float32, loss, 40)
    fields = {"id2label": {"0": "similarity"}, "label2id": {"similarity": 0}}
    fields |= {"num_labels": 1, "problem_type": "regression"}
    save("similarity", head, "AlbertForSequenceClassification", **fields)
    pearson = torch.corrcoef(torch.stack([scores[:, 0], right]))[0, 1]
    return f"Pearson's r {pearson:.3f} over {len(right)}"


def make_multi_label(features: Features, folder: Path) -> str:
    """Train which parts of speech occur in a sentence."""
    labels = list(data.FEATURES)
    examples = data.multi_label(folder, False), data.multi_label(folder, True)
    loss = nn.BCEWithLogitsLoss()
    made = _pooled(features, examples, len(labels), torch.float32, loss, 30)
    head, scores, right = made
    fields = {**labelled(labels), "problem_type": "multi_label_classification"}
    save("multi-label", head, "AlbertForSequenceClassification", **fields)
    hits = ((scores > 0) == (right > 0.5)).float().mean(0)
    often = torch.maximum(right.mean(0), 1 - right.mean(0))
    each = ", ".join(
        f"{label} {hit:.3f} ({most:.3f})"
        for label, hit, most in zip(labels, hits, often, strict=True)
    )
    return f"accuracy (always the commoner answer) {each}, of {len(right)}"


def make_nli(features: Features, folder: Path) -> str:
    """Train entailment, neutral, contradiction."""
    examples = data.nli(folder, False), data.nli(folder, True)
    loss = nn.CrossEntropyLoss()
    head, scores, right = _pooled(features, examples, 3, torch.long, loss, 40)
    fields = labelled(data.RELATIONS)
    save("nli", head, "AlbertForSequenceClassification", **fields)
    return f"accuracy {_accuracy(scores, right)} of {len(right)}"


def make_choice(features: Features, folder: Path) -> str:
    """Train the ending of a sentence, one of four."""
    train, held_out = data.choice(folder, False), data.choice(folder, True)
    pooler = features.model.pooler
    assert pooler is not None
    torch.manual_seed(SEED)
    head = PooledHead(pooler, 1)

    def grouped(examples: Sequence[data.Example]) -> tuple[Tensor, Tensor]:
        right = torch.tensor([example.label for example in examples])
        return features.first(examples).unflatten(0, (-1, 4)), right.view(-1, 4)

    def loss(scores: Tensor, right: Tensor) -> Tensor:
        return nn.functional.cross_entropy(scores[..., 0], right.argmax(-1))

    fit(head, *grouped(train), loss, 20)
    inputs, right = grouped(held_out)
    with torch.no_grad():
        scores = head(inputs)[..., 0]
    save("choice", head, "AlbertForMultipleChoice")
    return f"accuracy {_accuracy(scores, right.argmax(-1))} of {len(right)}"


def _accuracy(scores: Tensor, right: Tensor) -> str:
    return f"{(scores.argmax(-1) == right).float().mean():.3f}"


def _tagged(
    features: Features,
    sentences: Sequence[data.Tagged],
    label: Callable[[data.Tagged, tuple[int, int]], int],
) -> tuple[Tensor, Tensor]:
    """Give the vectors and labels of all pieces, special ones left out."""
    vectors: list[Tensor] = []
    labels: list[int] = []
    texts = [sentence.text for sentence in sentences]
    for index, hidden, spans, sides in features.pieces(texts):
        for row, (span, side) in enumerate(zip(spans, sides, strict=True)):
            if side is not None:
                vectors.append(hidden[row].half())
                labels.append(label(sentences[index], span))
    return torch.stack(vectors), torch.tensor(labels)


def _make_tagger(
    features: Features,
    folder: Path,
    name: str,
    labels: list[str],
    label: Callable[[data.Tagged, tuple[int, int]], int],
) -> str:
    train = _tagged(features, data.tagged(folder, False), label)
    torch.manual_seed(SEED)
    head = nn.ModuleDict({"classifier": nn.Linear(train[0].shape[1], len(labels))})
    classifier = head["classifier"]
    fit(classifier, *train, nn.CrossEntropyLoss(), 5)
    inputs, right = _tagged(features, data.tagged(folder, True), label)
    with torch.no_grad():
        found = classifier(inputs.float()).argmax(-1)
    save(name, head, "AlbertForTokenClassification", **labelled(labels))
    hits = (found == right).float().mean()
    if name == "pos":
        return f"accuracy {hits:.3f} of {len(right)} pieces"
    both = ((found == right) & (right > 0)).sum()
    precision, recall = both / (found > 0).sum(), both / (right > 0).sum()
    return f"precision {precision:.3f}, recall {recall:.3f} of {len(right)} pieces"


def make_pos(features: Features, folder: Path) -> str:
    """Train the universal parts of speech."""

    def label(sentence: data.Tagged, span: tuple[int, int]) -> int:
        for start, end, tag in sentence.spans:
            if start <= span[0] < end:
                return data.TAGS.index(tag)
        return -100  # a blank of its own before a piece

    return _make_tagger(features, folder, "pos", data.TAGS, label)


def make_entities(features: Features, folder: Path) -> str:
    """Train names and numbers, with the first piece of each told apart."""
    known: dict[str, list[tuple[int, int, str]]] = {}

    def label(sentence: data.Tagged, span: tuple[int, int]) -> int:
        if sentence.text not in known:
            known[sentence.text] = data.entity_spans(sentence)
        for start, end, kind in known[sentence.text]:
            if start <= span[0] < end:
                begins = span[0] == start
                return data.ENTITIES.index(("B-" if begins else "I-") + kind)
        return 0

    return _make_tagger(features, folder, "entities", data.ENTITIES, label)


def _located(
    features: Features, questions: Sequence[data.Question]
) -> Iterator[tuple[Tensor, Tensor, tuple[int, int], list[tuple[int, int]], int]]:
    """Give vectors, what may be an answer, its pieces, spans and the index."""
    pairs = [(item.question, item.context) for item in questions]
    for index, hidden, spans, sides in features.pieces(pairs):
        allowed = torch.tensor([row == 0 or s == 1 for row, s in enumerate(sides)])
        answer = questions[index].span
        first = last = 0
        for row, (span, side) in enumerate(zip(spans, sides, strict=True)):
            if answer is not None and side == 1 and span[0] < span[1]:
                if not first and span[1] > answer[0]:
                    first = row
                if span[0] < answer[1]:
                    last = row
        inside = first and last >= first
        place = (first, last) if inside else (0, 0)
        yield hidden.half(), allowed, place, spans, index


def make_qa(features: Features, folder: Path) -> str:
    """Train first and last pieces of answers; [CLS] where there is none."""
    rows = list(_located(features, data.questions(folder, False)))
    torch.manual_seed(SEED)
    head = nn.ModuleDict({"qa_outputs": nn.Linear(rows[0][0].shape[1], 2)})
    outputs = head["qa_outputs"]
    optimizer = torch.optim.AdamW(outputs.parameters(), lr=5e-3, weight_decay=0.01)
    epochs = 8
    steps = epochs * -(-len(rows) // _BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    for _ in range(epochs):
        for indices in torch.randperm(len(rows)).split(_BATCH):
            chosen = [rows[int(n)] for n in indices]
            hidden = nn.utils.rnn.pad_sequence([row[0] for row in chosen], True)
            allowed = nn.utils.rnn.pad_sequence([row[1] for row in chosen], True)
            places = torch.tensor([row[2] for row in chosen])
            scores = outputs(hidden.float()).masked_fill(~allowed[..., None], -1e4)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(scores[..., 0], places[:, 0])
            loss = loss + nn.functional.cross_entropy(scores[..., 1], places[:, 1])
            loss.backward()
            optimizer.step()
            schedule.step()
    save("qa", head, "AlbertForQuestionAnswering", num_labels=2)
    return _qa_figures(features, outputs, data.questions(folder, True))


def _qa_figures(
    features: Features, outputs: nn.Module, questions: Sequence[data.Question]
) -> str:
    """Sum up where the best span of at most fifteen pieces is the right one."""
    exact = overlap = answerable = 0
    for hidden, allowed, place, _, _ in _located(features, questions):
        if place == (0, 0):
            continue
        with torch.no_grad():
            scores = outputs(hidden.float()).masked_fill(~allowed[:, None], -1e4)
        scores[0] = -1e4
        both = scores[:, :1] + scores[:, 1]
        both = both.triu().tril(14) + torch.ones_like(both).triu().tril(14).log()
        first, last = divmod(int(both.argmax()), len(hidden))
        answerable += 1
        exact += (first, last) == place
        overlap += first <= place[1] and last >= place[0]
    return (
        f"answerable {answerable}: the very span {exact / answerable:.3f}, a span that "
        f"overlaps it {overlap / answerable:.3f}"
    )


MAKERS = {
    "choice": make_choice,
    "entities": make_entities,
    "multi-label": make_multi_label,
    "nli": make_nli,
    "pos": make_pos,
    "qa": make_qa,
    "similarity": make_similarity,
    "topics": make_topics,
}


def main() -> None:
    """Train the heads that are asked for, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="the folder of data")
    parser.add_argument("names", nargs="*", help="heads to train (all)")
    chosen = parser.parse_args()
    HEADS.mkdir(parents=True, exist_ok=True)
    features = Features()
    for name in chosen.names or MAKERS:
        print(f"{name}: {MAKERS[name](features, chosen.data)}", flush=True)


if __name__ == "__main__":
    main()
