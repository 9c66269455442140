"""A cheap task and runner: answers that can be computed by hand from the ids."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.tasks.batching import check_rows
from albert.common.tasks.streaming import Stream
from albert.common.tasks.task import Encoded, Row, Task

PAD = 3
CONFIG = AlbertConfig(
    vocab_size=101,
    embedding_size=5,
    hidden_size=24,
    num_attention_heads=4,
    intermediate_size=37,
    max_position_embeddings=77,
    type_vocab_size=2,
    pad_token_id=PAD,
)


def row(ids, at=None):
    """A row of ids whose second half is the second text."""
    ids = np.asarray(ids, np.int32)
    types = (np.arange(len(ids)) * 2 >= len(ids)).astype(np.int32)
    return Row(ids, types, None if at is None else np.asarray(at, np.int32))


def alone(one, per_token=True):
    """What the runner gives for a row by itself: [S or M, 2], or [2]."""
    ids = one.input_ids.astype(np.int64)
    whole = (ids * (1 + one.token_type_ids) * np.arange(1, 1 + len(ids))).sum()
    if not per_token:
        return np.float32([whole % 997, len(ids)])
    values = np.stack([ids, np.full(len(ids), whole % 997)], -1).astype(np.float32)
    return values if one.at is None else values[one.at]


class EchoRunner:
    """Gives each token's id and a sum that only the unpadded row determines."""

    def __init__(self, bucketed=False, per_token=True, config=CONFIG):
        self.bucketed = bucketed
        self.per_token = per_token
        self.model = SimpleNamespace(config=config)
        self.shapes = []

    def __call__(self, inputs, fields, at=None):
        assert set(inputs) == {"input_ids", "attention_mask", "token_type_ids"}
        assert {array.dtype for array in inputs.values()} == {np.dtype(np.int32)}
        self.shapes.append(
            (*inputs["input_ids"].shape, *(() if at is None else at.shape[1:]))
        )
        ids, mask, types = (
            array.reshape(-1, array.shape[-1]).astype(np.int64)
            for array in (
                inputs["input_ids"],
                inputs["attention_mask"],
                inputs["token_type_ids"],
            )
        )
        places = np.arange(1, 1 + ids.shape[1])
        whole = (ids * mask * (1 + types) * places).sum(-1) % 997
        if not self.per_token:
            values = np.stack([whole, mask.sum(-1)], -1)
        else:
            values = np.stack([ids, np.broadcast_to(whole[:, None], ids.shape)], -1)
            if at is not None:
                values = values[np.arange(len(values))[:, None], at]
        return {name: values.astype(np.float32) for name in fields}


@dataclass(frozen=True, kw_only=True)
class EchoOptions:
    """Nothing to choose."""


class Echo(Task[EchoOptions]):
    """Answers a list of ids with the sum; a list of lists with those of its rows."""

    name = "echo"
    model_class = "AlbertModel"
    fields = ("values",)
    per_token = True
    keys = ("ids",)
    options_class = EchoOptions

    def __init__(self, config=CONFIG, axes=2, per_token=True, most=9):
        super().__init__(SimpleNamespace(pad_token_id=PAD), config)
        self.axes = axes
        self.per_token = per_token
        self.most = most
        self.undecodable = ()

    def encode(self, given, options):
        """Turn ids, or lists of ids, into rows."""
        if not isinstance(given, list):
            raise TypeError(f"{given!r} is no list.")
        texts = given if not given or isinstance(given[0], list) else [given]
        cut = any(len(text) > self.most for text in texts)
        return Encoded([row(text[: self.most]) for text in texts], given, cut)

    def decode(self, encoded, outputs, options):
        """Give what came back of each row."""
        if encoded.state in self.undecodable:
            raise ValueError("cannot be decoded.")
        assert len(outputs) == len(encoded.rows)
        return [output["values"] for output in outputs]


def stream(batch_size=4, on_error="raise", runner=None, task=None):
    """A stream of echoes."""
    return Stream(
        task or Echo(), runner or EchoRunner(), EchoOptions(), batch_size, on_error
    )


def expected(given):
    """The answer to an input."""
    texts = given if not given or isinstance(given[0], list) else [given]
    rows = [row(text[:9]) for text in texts]
    check_rows(rows, CONFIG)
    return [alone(one) for one in rows]
