import pytest

from albert.common.training.run_folder import RunFolder
from albert.common.training.settings import TrainingSettings
from albert.common.tuning.judge import Judge
from albert.common.tuning.kind import Scored


class _Answers:
    def __init__(self):
        self.next = []

    def score(self):
        value, constant = self.next.pop(0)
        return Scored({"accuracy": value}, [{}] * 7, constant)


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run", TrainingSettings(steps=100), {})


def _kept(folder):
    return sorted(path.name for path in folder.path.glob("best-*"))


@pytest.fixture
def judged(folder):
    """Run evaluations, as the loop does, and give the log."""

    def run(values, patience=0, lines=()):
        answers = _Answers()
        answers.next = [(value, None) for value in values]
        log = list(lines)

        def write(target):
            (target / "weight").write_text(str(values[len(log) - len(lines)]))

        judge = Judge(answers, "accuracy", patience, 3e-5, folder, write)
        for _ in values:
            step = 10 * (len(log) + 1)
            log.append({"step": step, **judge.evaluate(step, log)})
            if judge.is_enough(log):
                break
        return judge, log

    return run


def test_keeps_the_first_of_the_best(judged, folder):
    judge, log = judged([0.1, 0.5, 0.5, 0.3])
    assert judge.best(log) == {"step": 20, "eval_accuracy": 0.5}
    assert (judge.kept(log) / "weight").read_text() == "0.5"
    assert _kept(folder) == ["best-00000010", "best-00000020"]
    judge.clear(log)
    assert _kept(folder) == ["best-00000020"]


def test_a_run_that_goes_back_to_its_checkpoint_has_what_was_best_then(judged, folder):
    judge, log = judged([0.1, 0.5])
    # Killed before the next checkpoint: the last line is forgotten, then written again.
    assert (judge.kept(log[:1]) / "weight").read_text() == "0.1"
    judge, again = judged([0.7], lines=log[:1])
    assert judge.kept(again).name == "best-00000020"
    assert (judge.kept(again) / "weight").read_text() == "0.7"
    judge.clear(again)
    assert _kept(folder) == ["best-00000020"]


def test_stops_after_so_many_without_a_better_one(judged):
    _, log = judged([0.1, 0.5, 0.4, 0.5, 0.9], patience=2)
    assert len(log) == 4
    _, log = judged([0.1, 0.5, 0.4, 0.6, 0.9], patience=2)
    assert len(log) == 5
    judge, _ = judged([], patience=2)
    assert not judge.is_enough([])


def test_goes_on_from_the_log(judged, folder):
    before = [{"step": 10, "eval_accuracy": 0.5}, {"step": 20, "task_loss": 1.0}]
    judge, log = judged([0.4], patience=1, lines=before)
    assert judge.is_enough(log)
    assert _kept(folder) == []


def test_a_collapse_is_said_with_its_cure(folder):
    answers = _Answers()
    answers.next = [(0.2, "the label 'a'")]
    judge = Judge(answers, "accuracy", 0, 3e-5, folder, lambda target: None)
    with pytest.warns(UserWarning) as found:
        judge.evaluate(40, [])
    assert str(found[0].message) == (
        "COLLAPSED after step 40: the model gives the label 'a' to all 7 examples. "
        "Early in a run it may have learned nothing yet; if it stays so, start again "
        "with a lower --learning-rate, such as 1e-05, a longer --warmup or another "
        "--seed."
    )
