import pytest

from albert.common.tuning.judge import Judge
from albert.common.tuning.kind import Scored


class _Answers:
    def __init__(self):
        self.next = []

    def score(self):
        value, constant = self.next.pop(0)
        return Scored({"accuracy": value}, [], constant)

    def __len__(self):
        return 7


@pytest.fixture
def judged(tmp_path):
    """Run evaluations, as the loop does, and give the log."""

    def run(values, patience=0, lines=()):
        answers = _Answers()
        answers.next = [(value, None) for value in values]
        log = list(lines)

        def write(folder):
            (folder / "weight").write_text(str(values[len(log) - len(lines)]))

        judge = Judge(answers, "accuracy", patience, 3e-5, tmp_path, write)
        for _ in values:
            step = 10 * (len(log) + 1)
            log.append({"step": step, **judge.evaluate(step, log)})
            if judge.is_enough(log):
                break
        return judge, log

    return run


def test_keeps_the_first_of_the_best(judged, tmp_path):
    judge, log = judged([0.1, 0.5, 0.5, 0.3])
    assert judge.best(log) == {"step": 20, "eval_accuracy": 0.5}
    assert [path.name for path in tmp_path.iterdir()] == ["best-00000020"]
    assert (judge.kept(log) / "weight").read_text() == "0.5"


def test_stops_after_so_many_without_a_better_one(judged):
    _, log = judged([0.1, 0.5, 0.4, 0.5, 0.9], patience=2)
    assert len(log) == 4
    _, log = judged([0.1, 0.5, 0.4, 0.6, 0.9], patience=2)
    assert len(log) == 5
    judge, _ = judged([], patience=2)
    assert not judge.is_enough([])


def test_goes_on_from_the_log(judged, tmp_path):
    before = [{"step": 10, "eval_accuracy": 0.5}, {"step": 20, "task_loss": 1.0}]
    judge, log = judged([0.4], patience=1, lines=before)
    assert judge.is_enough(log)
    assert not list(tmp_path.iterdir())


def test_a_collapse_is_said_with_its_cure(tmp_path):
    answers = _Answers()
    answers.next = [(0.2, "the label 'a'")]
    judge = Judge(answers, "accuracy", 0, 3e-5, tmp_path, lambda folder: None)
    with pytest.warns(UserWarning) as found:
        judge.evaluate(40, [])
    assert str(found[0].message) == (
        "COLLAPSED after step 40: the model gives the label 'a' to all 7 examples. "
        "Early in a run it may have learned nothing yet; if it stays so, start again "
        "with a lower --learning-rate, such as 1e-05, a longer --warmup or another "
        "--seed."
    )
