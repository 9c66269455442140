"""The loop with a trainer in NumPy: a weight that is pulled towards the data's mean."""

import json

import numpy as np
import pytest

from albert.common.training.loop import Loop, evaluate
from albert.common.training.objectives import Objective
from albert.common.training.run_folder import RunFolder
from albert.common.training.schedules import PolynomialDecay
from albert.common.training.settings import TrainingSettings

OBJECTIVE = Objective("task", {"task": "labels"}, {"task": 1.0})


class _Pulled:
    def __init__(self):
        self.weight, self.moment = 0.0, np.zeros(1)
        self.seen, self.norms = [], {}

    def step(self, parts, shares, number, rate, scale):
        self.seen.append((number, rate, scale, len(parts)))
        wanted = sum(
            share["task"] * part["labels"].mean()
            for part, share in zip(parts, shares, strict=True)
        )
        norm = self.norms.get(number, 1.0)
        if np.isfinite(norm):
            self.moment = 0.9 * self.moment + 0.1 * (wanted - self.weight)
            self.weight += rate * float(self.moment[0])
        loss = (wanted - self.weight) ** 2
        return {"loss": loss, "task_loss": loss, "gradient_norm": norm}

    def evaluate(self, batch):
        return {"mlm_loss": 6.0, "mlm_right": 1.0, "mlm_count": 2.0, "sop_count": 0.0}

    def save_model(self, folder):
        (folder / "weight.json").write_text(json.dumps(self.weight))

    def load_model(self, folder):
        self.weight = json.loads((folder / "weight.json").read_text())

    def state(self):
        return {"moment": self.moment}

    def load_state(self, arrays):
        self.moment = arrays["moment"]


class _Data:
    def batch(self, step):
        labels = np.random.default_rng(step).integers(0, 9, (4, 3))
        return {"labels": labels, "attention_mask": np.ones_like(labels)}


class _HeldOut(_Data):
    def __len__(self):
        return 3


class _Silent:
    def __init__(self):
        self.lines, self.started, self.finished = [], None, None

    def start(self, step):
        self.started = step

    def advance(self, tokens, seconds):
        assert tokens == 12
        assert seconds > 0

    def show(self, line):
        self.lines.append(line)

    def finish(self, lines):
        self.finished = lines


@pytest.fixture
def loop(tmp_path):
    def make(name="run", trainer=None, held_out=None, judge=None, **settings):
        chosen = {"steps": 10, "batch_size": 4, "save_every": 4, "log_every": 3}
        found = TrainingSettings(**{**chosen, **settings})
        folder = RunFolder(tmp_path / name, found, {})
        trainer = trainer or _Pulled()
        return Loop(
            trainer,
            _Data(),
            OBJECTIVE,
            found,
            folder,
            _Silent(),
            trainer.save_model,
            held_out,
            judge,
        )

    return make


def test_each_step_has_its_number_its_rate_and_its_parts(loop):
    made = loop(warmup_steps=2, accumulation=2, learning_rate=0.3)
    made.run()
    schedule = PolynomialDecay(0.3, 10, warmup_steps=2)
    assert made.trainer.seen == [(n, schedule.rate(n), 1.0, 2) for n in range(10)]


def test_a_run_that_was_stopped_goes_on_to_the_last_bit(loop):
    whole = loop("whole")
    last = whole.run()
    assert [line["step"] for line in whole.folder.lines()] == [3, 6, 9, 10]
    assert whole.folder.lines()[-1] == last

    class StoppedError(Exception):
        pass

    for stop in range(1, 10):
        trainer = _Pulled()
        stopped = loop(f"stopped{stop}", trainer)

        def step(*arguments, trainer=trainer, stop=stop):
            if arguments[2] == stop:
                raise StoppedError
            return _Pulled.step(trainer, *arguments)

        trainer.step = step
        with pytest.raises(StoppedError):
            stopped.run()
        again = loop(f"stopped{stop}")
        again.run()
        assert again.reporter.started == stop // 4 * 4
        assert again.folder.lines() == whole.folder.lines()
        assert again.trainer.weight == whole.trainer.weight


def test_a_run_that_is_done_is_not_done_again(loop):
    last = loop().run()
    again = loop()
    assert again.run() == last
    assert again.trainer.seen == []


def test_logs_means_since_the_line_before(loop):
    made = loop(log_every=5, learning_rate=1e-9)
    made.run()
    losses = [
        np.random.default_rng(step).integers(0, 9, (4, 3)).mean() ** 2
        for step in range(10)
    ]
    found = [line["task_loss"] for line in made.folder.lines()]
    np.testing.assert_allclose(found, [np.mean(losses[:5]), np.mean(losses[5:])])
    assert made.reporter.finished == made.folder.lines()


def test_evaluates_every_few_steps_and_at_the_end(loop):
    made = loop(held_out=_HeldOut(), eval_every=4, log_every=100)
    made.run()
    figures = {"eval_mlm_loss": 3.0, "eval_mlm_accuracy": 0.5}
    found = [line for line in made.folder.lines() if "eval_mlm_loss" in line]
    assert found == [{"step": step, **figures} for step in (4, 8, 10)]
    assert evaluate(made.trainer, _HeldOut()) == figures


def test_gradients_that_are_not_finite_end_the_run(loop):
    trainer = _Pulled()
    trainer.norms = {6: float("nan")}
    made = loop(trainer=trainer)
    with pytest.raises(ValueError) as error:
        made.run()
    assert str(error.value).startswith(
        "step 7: the gradients' norm is nan and the loss "
    )
    assert str(error.value).endswith(
        "Nothing was changed by this step; the last checkpoint is as it was. A lower "
        "learning_rate or more warmup_steps may help."
    )
    assert [path.name for path in made.folder.checkpoints()] == ["checkpoint-00000004"]


def test_float16_halves_its_scale_instead_and_keeps_it_in_checkpoints(loop):
    trainer = _Pulled()
    trainer.norms = {2: float("inf"), 5: float("inf")}
    made = loop(trainer=trainer, precision="float16")
    made.run()
    scales = [scale for _, _, scale, _ in trainer.seen]
    assert scales == [2.0**15] * 3 + [2.0**14] * 3 + [2.0**13] * 4
    assert np.isfinite([line["gradient_norm"] for line in made.folder.lines()]).all()
    _, state = made.folder.load(made.folder.checkpoints()[0])
    assert state["scale"] == {"value": 2.0**13, "good": 2, "patience": 2000}


class _Judge:
    """Gives figures, and ends a run after two."""

    def __init__(self):
        self.asked = []
        self.cleared = []

    def evaluate(self, step, lines):
        self.asked.append((step, [line["step"] for line in lines]))
        return {"eval_accuracy": 0.5}

    def is_enough(self, lines):
        return sum("eval_accuracy" in line for line in lines) >= 2

    def clear(self, lines):
        self.cleared.append(lines[-1]["step"])


def test_a_judge_evaluates_and_may_end_a_run(loop):
    made = loop(judge=_Judge(), eval_every=2)
    assert made.run() == {"step": 4, "eval_accuracy": 0.5}
    assert made.judge.asked == [(2, []), (4, [2, 3])]
    # Only where a checkpoint was written.
    assert made.judge.cleared == [4]
    assert [path.name for path in made.folder.checkpoints()] == ["checkpoint-00000004"]
    again = loop(judge=_Judge(), eval_every=2)
    again.run()
    assert (again.trainer.seen, again.judge.asked) == ([], [])
