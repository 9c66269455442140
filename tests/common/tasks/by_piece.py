"""A model that is a function from a row's pieces to its outputs, one for each piece."""

from types import SimpleNamespace

import numpy as np

from albert.common.tasks import backend
from albert.common.tasks.pipeline import Pipeline


class Runner:
    """What stands for a model.

    `outputs` gives, from a row's pieces, a dictionary of fields, each with one entry
    for each piece.
    """

    bucketed = False

    def __init__(self, task, outputs):
        self.model = SimpleNamespace(config=task.config)
        self.tokenizer = task.tokenizer
        self.outputs = outputs
        self.rows = []

    def __call__(self, inputs, fields, at=None):
        ids = inputs["input_ids"]
        # Padding keeps what no answer may come from.
        found = {name: [] for name in fields}
        for row, mask in zip(ids, inputs["attention_mask"], strict=True):
            pieces = self.tokenizer.convert_ids_to_tokens(row[mask == 1].tolist())
            self.rows.append(pieces)
            for name, values in self.outputs(pieces).items():
                values = np.asarray(values, np.float32)
                beyond = np.full((ids.shape[1] - len(pieces), *values.shape[1:]), 99.0)
                found[name].append(np.concatenate([values, beyond]))
        return {name: np.stack(values) for name, values in found.items()}


def make_pipeline(monkeypatch, task, outputs, **options):
    """Make a pipeline whose outputs are made by hand; give its runner, too."""
    runner = Runner(task, outputs)
    monkeypatch.setattr(backend, "make_runner", lambda model: runner)
    return Pipeline(task, runner.model, **options), runner
