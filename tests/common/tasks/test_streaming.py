import gc
import pickle
import sys
import tracemalloc
import warnings
import weakref
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albert.common.tasks.streaming import InputError, with_progress

from .echo import CONFIG, Echo, EchoRunner, expected, stream

CUT = (
    "input {} is longer than its limit and is cut; so will be others that are "
    "(this is said once)."
)


def inputs_of(number, seed=0):
    """Lists of 1 to 9 ids."""
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 10, number)
    return [random.integers(4, 101, length).tolist() for length in lengths]


def assert_answers(found, inputs):
    assert len(found) == len(inputs)
    for answer, one in zip(found, inputs, strict=True):
        right = expected(one)
        assert len(answer) == len(right)
        for values, others in zip(answer, right, strict=True):
            np.testing.assert_array_equal(values, others)


ids = st.lists(st.integers(4, 100), min_size=1, max_size=9)


@settings(deadline=None, max_examples=100)
@given(
    inputs=st.lists(st.one_of(ids, st.lists(ids, max_size=12)), max_size=80),
    batch_size=st.integers(1, 9),
    bucketed=st.booleans(),
)
def test_answers_come_in_order(inputs, batch_size, bucketed):
    """Of inputs with one row, many rows and none."""
    runner = EchoRunner(bucketed)
    found = stream(batch_size, runner=runner).answers(iter(inputs))
    assert_answers(list(found), inputs)
    assert all(shape[0] <= batch_size for shape in runner.shapes)


def test_one_input():
    answer = stream().answer([11, 12, 13])
    assert_answers([answer], [[11, 12, 13]])
    assert_answers([stream().answer([])], [[]])


class Watched:
    """Counts what was read and not yet answered."""

    def __init__(self, inputs):
        self.inputs = inputs
        self.read = 0

    def __iter__(self):
        for one in self.inputs:
            self.read += 1
            yield one


def test_windows_grow_up_to_sixteen_batches():
    source = Watched([[5, 6]] * 1000)
    ahead = []
    for answered, _ in enumerate(stream(4).answers(source), start=1):
        ahead.append(source.read - answered + 1)
    assert ahead[0] == 4
    assert ahead[4] == 8
    assert ahead[12] == 16
    assert max(ahead) == 64
    assert len(ahead) == 1000


def test_windows_of_answers_that_are_wanted_together():
    source = Watched([[5, 6]] * 200)
    answers = stream(4).answers(source, together=True)
    ahead = [source.read - answered for answered, _ in enumerate(answers)]
    assert ahead[0] == ahead[64] == 64
    assert len(ahead) == 200
    source = Watched([[5, 6]] * 3)
    next(stream(1).answers(source, together=True))
    assert source.read == 1


def test_single_batches_are_answered_before_the_next_is_read():
    source = Watched([[5, 6], [7], [8, 9]] * 5)
    answers = stream(1).answers(source)
    for number in range(1, 16):
        next(answers)
        assert source.read == number


@pytest.mark.parametrize(
    ("one", "most"),
    [
        # 64 rows are a window: seven inputs of ten rows.
        ([[5, 6]] * 10, 7),
        # Inputs without rows count as one each.
        ([], 64),
    ],
)
def test_rows_count_for_the_window(one, most):
    source = Watched([one] * 400)
    ahead = [
        source.read - answered for answered, _ in enumerate(stream(4).answers(source))
    ]
    assert max(ahead) == most


def shapes_of(inputs, **fields):
    """Shapes that a runner is called with."""
    runner = EchoRunner()
    found = stream(4, runner=runner)._replace(**fields).answers(inputs)
    return len(list(found)), runner.shapes


def test_blocks_are_computed_by_themselves():
    inputs = inputs_of(150)
    number, all_shapes = shapes_of(inputs, block=40)
    assert number == 150
    for begin in (40, 80, 120):
        _, before = shapes_of(inputs[:begin], block=40)
        _, after = shapes_of(inputs[begin:], block=40, first=begin)
        assert before + after == all_shapes
    assert shapes_of(inputs)[1] != all_shapes


def test_inputs_are_counted_on_from_the_first():
    answers = stream(4)._replace(first=7).answers([[5, 6], "odd"])
    next(answers)
    with pytest.raises(InputError, match=r"^input 8: "):
        next(answers)


def test_long_texts_make_smaller_windows():
    source = Watched([[5] * 70] * 400)
    task = Echo(most=77)
    ahead = [
        source.read - answered
        for answered, _ in enumerate(stream(4, task=task).answers(source))
    ]
    # 64 tokens for each of 64 inputs.
    assert max(ahead) == 59


def test_memory_does_not_grow_with_the_number_of_inputs():
    def count(number):
        return ([4 + index % 97] for index in range(number))

    def peak(number):
        gc.collect()
        tracemalloc.start()
        try:
            total = sum(1 for _ in stream(16).answers(count(number)))
            return total, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, low = peak(1_000)
    many, high = peak(6_000)
    assert (few, many) == (1_000, 6_000)
    assert high < 1.1 * low


def test_answers_and_outputs_are_let_go_of_on_the_way():
    class Kept(Echo):
        def decode(self, encoded, outputs, options):
            held.append(weakref.ref(outputs[0]["values"]))
            return len(outputs)

    held = []
    for _ in islice(stream(4, task=Kept()).answers(inputs_of(300)), 200):
        alive = [one for one in held if one() is not None]
        assert len(alive) <= 1


@pytest.mark.parametrize("batch_size", [1, 4])
def test_an_error_names_its_input_and_comes_after_the_answers_before(batch_size):
    inputs = inputs_of(30)
    inputs[17] = "no"
    answers = stream(batch_size).answers(inputs)
    assert_answers(list(islice(answers, 17)), inputs[:17])
    with pytest.raises(InputError) as caught:
        next(answers)
    assert str(caught.value) == "input 17: 'no' is no list."
    assert caught.value.index == 17
    assert type(caught.value.cause) is TypeError
    assert caught.value.__cause__ is caught.value.cause
    assert next(answers, None) is None


def test_errors_are_given_back_in_place():
    inputs = inputs_of(30)
    inputs[0], inputs[17], inputs[18] = "no", [101], [[5], [-1]]
    found = list(stream(on_error="return").answers(inputs))
    errors = [found.pop(index) for index in (18, 17, 0)]
    assert [error.index for error in errors] == [18, 17, 0]
    assert [str(error) for error in errors] == [
        "input 18: input_ids must be at least 0 and below vocab_size=101, but has -1.",
        (
            "input 17: the tokenizer gives the id 101, but the model reads ids below "
            "vocab_size=101: use the model's own tokenizer, or call "
            "model.resize_token_embeddings(len(tokenizer))."
        ),
        "input 0: 'no' is no list.",
    ]
    assert_answers(found, [*inputs[1:17], *inputs[19:]])


def test_nothing_but_errors():
    found = list(stream(on_error="return").answers(["no"] * 200))
    assert [error.index for error in found] == list(range(200))


def test_an_answer_that_cannot_be_made_names_its_input():
    task = Echo()
    task.undecodable = ([7, 8],)
    inputs = [[5, 6], [7, 8], [9]]
    first, error, last = stream(task=task, on_error="return").answers(inputs)
    assert str(error) == "input 1: cannot be decoded."
    assert_answers([first, last], [[5, 6], [9]])
    with pytest.raises(InputError, match=r"^input 1: cannot be decoded\.$"):
        list(stream(task=task).answers(inputs))


def test_an_error_of_one_input_is_the_plain_one():
    with pytest.raises(TypeError, match=r"^'no' is no list\.$"):
        stream().answer("no")
    with pytest.raises(ValueError, match=r"^the tokenizer gives the id 101, "):
        stream().answer([101])


def test_the_limit_is_that_of_the_model_now():
    """Which may have been resized since."""
    runner = EchoRunner()
    runner.model.config = CONFIG.replace(vocab_size=102)
    assert len(stream(runner=runner).answer([101])) == 1


def test_an_error_can_be_pickled():
    error = pickle.loads(pickle.dumps(InputError(7, ValueError("bad."))))
    assert (str(error), error.index) == ("input 7: bad.", 7)
    assert type(error.cause) is ValueError


@pytest.mark.parametrize("on_error", ["raise", "return"])
@pytest.mark.parametrize("raised", [OSError("gone."), InputError(3, ValueError("x."))])
def test_an_error_of_the_source_comes_after_the_answers_before(on_error, raised):
    def source():
        yield from inputs[:6]
        raise raised

    inputs = inputs_of(6)
    answers = stream(on_error=on_error).answers(source())
    assert_answers(list(islice(answers, 6)), inputs)
    with pytest.raises(type(raised)) as caught:
        next(answers)
    assert caught.value is raised


def test_what_cannot_be_iterated_is_refused():
    with pytest.raises(TypeError, match="not iterable"):
        next(stream().answers(7))


def test_an_error_of_the_model_comes_through():
    class Broken(EchoRunner):
        def __call__(self, inputs, fields, at=None):
            raise RuntimeError("out of memory.")

    with pytest.raises(RuntimeError, match=r"^out of memory\.$"):
        list(stream(runner=Broken(), on_error="return").answers([[5]]))


def test_a_cut_is_told_once_at_the_line_of_the_caller():
    inputs = inputs_of(300)
    inputs[41] = inputs[43] = inputs[290] = list(range(10, 25))
    with pytest.warns(UserWarning) as caught:
        found = list(with_progress(stream().answers(inputs), 300, False, 4))
    assert [str(warning.message) for warning in caught] == [CUT.format(41)]
    assert caught[0].filename == __file__
    assert_answers(found, inputs)
    with pytest.warns(UserWarning) as caught:
        stream().answer(inputs[41])
    assert [str(warning.message) for warning in caught] == [CUT.format(0)]
    assert caught[0].filename == __file__


def test_no_cut_no_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(stream().answers(inputs_of(100)))


class Terminal:
    """Makes stderr a terminal."""

    @staticmethod
    def isatty():
        return True


@pytest.mark.parametrize(
    ("progress", "terminal", "total", "shown"),
    [
        (True, False, 20, True),
        (True, False, None, True),
        (False, True, 20, False),
        (None, False, 20, False),
        (None, True, 20, True),
        (None, True, None, True),
        # As many as one batch: done before a bar could be read.
        (None, True, 4, False),
    ],
)
def test_progress(progress, terminal, total, shown, capsys, monkeypatch):
    inputs = inputs_of(total or 20)
    answers = with_progress(stream().answers(inputs), total, progress, 4)
    if terminal:
        monkeypatch.setattr(sys.stderr, "isatty", Terminal.isatty)
    assert_answers(list(answers), inputs)
    written = capsys.readouterr()
    assert written.out == ""
    assert ("20" in written.err) == shown
    assert ("20/20" in written.err) == (shown and total is not None)
    assert bool(written.err) == shown


def test_progress_without_stderr(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    assert len(list(with_progress(stream().answers([[5]]), None, None, 4))) == 1


@pytest.mark.parametrize("progress", [True, False])
def test_closing_early_closes_all(progress, capsys):
    inner = stream().answers(inputs_of(100))
    answers = with_progress(inner, 100, progress, 4)
    next(answers)
    next(answers)
    answers.close()
    assert next(inner, None) is None
    written = capsys.readouterr().err
    # A closed bar ends its line.
    assert written.endswith("\n") == progress


def test_an_error_closes_the_bar(capsys):
    answers = with_progress(stream().answers([[5], "no"]), 2, True, 4)
    with pytest.raises(InputError, match=r"^input 1: 'no' is no list\.$"):
        list(answers)
    assert capsys.readouterr().err.endswith("\n")
