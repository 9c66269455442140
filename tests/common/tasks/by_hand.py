"""A pipeline whose model is a function from a row's text to its outputs."""

from types import SimpleNamespace

import numpy as np

from albert.common.config import AlbertConfig
from albert.common.tasks import backend
from albert.common.tasks.pipeline import Pipeline
from albert.common.tokenization import AlbertTokenizerFast

TOKENIZER = AlbertTokenizerFast.from_pretrained("albert-demo")


def make_config(*labels, **fields):
    """Make a small configuration with labels."""
    names = {"id2label": dict(enumerate(labels))} if labels else {}
    sizes = {
        "vocab_size": len(TOKENIZER),
        "hidden_size": 4,
        "num_attention_heads": 2,
        "intermediate_size": 8,
        "num_hidden_layers": 1,
        "max_position_embeddings": 16,
    }
    return AlbertConfig(**{**sizes, **names, **fields})


class Runner:
    """What stands for a model.

    `outputs` gives one field for a row, from its text as the tokenizer decodes it.
    """

    bucketed = False

    def __init__(self, task, outputs):
        self.model = SimpleNamespace(config=task.config)
        self.tokenizer = task.tokenizer
        self.outputs = outputs
        self.shapes = []

    def __call__(self, inputs, fields, at=None):
        self.shapes.append(inputs["input_ids"].shape)
        (field,) = fields
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        size = ids.shape[-1]
        found = []
        for row, kept in zip(
            ids.reshape(-1, size), mask.reshape(-1, size), strict=True
        ):
            text = self.tokenizer.decode(row[kept == 1].tolist())
            found.append(np.asarray(self.outputs(text), np.float32))
        array = np.stack(found)
        if at is not None:
            array = np.repeat(array[:, None], at.shape[1], 1)
        return {field: array}


def make_pipeline(monkeypatch, task, outputs, **options):
    """Make a pipeline of a task whose outputs are made by hand."""
    runner = Runner(task, outputs)
    monkeypatch.setattr(backend, "make_runner", lambda model: runner)
    return Pipeline(task, runner.model, **options)
