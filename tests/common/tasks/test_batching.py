import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albert.common.config import AlbertConfig
from albert.common.tasks.batching import (
    _LENGTHS,
    check_rows,
    compute,
    make_batches,
)
from albert.common.tasks.task import Row

from .echo import CONFIG, PAD, Echo, EchoRunner, alone, row


def rows_of(lengths, seed=0):
    random = np.random.default_rng(seed)
    return [row(random.integers(4, 101, length)) for length in lengths]


def rows_with_places(lengths, counts, seed=0):
    random = np.random.default_rng(seed)
    return [
        one._replace(at=random.integers(0, length, count).astype(np.int32))
        for one, length, count in zip(rows_of(lengths), lengths, counts, strict=True)
    ]


def assert_as_alone(found, rows, per_token=True):
    assert len(found) == len(rows)
    for output, one in zip(found, rows, strict=True):
        assert list(output) == ["values"]
        np.testing.assert_array_equal(output["values"], alone(one, per_token))


@st.composite
def any_rows(draw):
    lengths = draw(st.lists(st.integers(1, 77), max_size=60))
    rows = rows_of(lengths, seed=draw(st.integers(0, 9)))
    if draw(st.booleans()):
        counts = [draw(st.integers(0, 6)) for _ in lengths]
        rows = rows_with_places(lengths, counts)
    return rows


@settings(deadline=None, max_examples=150)
@given(
    rows=any_rows(),
    batch_size=st.integers(1, 70),
    bucketed=st.booleans(),
    axes=st.sampled_from([2, 3]),
)
def test_rows_come_back_as_if_computed_alone(rows, batch_size, bucketed, axes):
    found = compute(EchoRunner(bucketed), Echo(axes=axes), rows, batch_size)
    assert_as_alone(found, rows)


@settings(deadline=None, max_examples=50)
@given(
    lengths=st.lists(st.integers(1, 77), max_size=60),
    batch_size=st.integers(1, 40),
    bucketed=st.booleans(),
)
def test_fields_without_tokens_come_back_whole(lengths, batch_size, bucketed):
    rows = rows_of(lengths)
    runner = EchoRunner(bucketed, per_token=False)
    found = compute(runner, Echo(per_token=False), rows, batch_size)
    assert_as_alone(found, rows, per_token=False)


def test_no_rows_need_no_model():
    runner = EchoRunner()
    assert compute(runner, Echo(), [], 4) == []
    assert runner.shapes == []


def test_a_choice_axis_is_added():
    runner = EchoRunner()
    compute(runner, Echo(axes=3), rows_of([5, 5, 5]), 4)
    assert runner.shapes == [(3, 1, 5)]


def test_batches_are_padded_and_the_longest_come_first():
    rows = [row([11]), row([21, 22, 23]), row([31, 32])]
    (batch,) = make_batches(rows, 7, PAD)
    assert batch.members == (1, 2, 0)
    assert batch.inputs["input_ids"].tolist() == [
        [21, 22, 23],
        [31, 32, PAD],
        [11, PAD, PAD],
    ]
    assert batch.inputs["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 0]]
    assert batch.inputs["token_type_ids"].tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 0]]
    assert batch.at is None


def test_places_are_padded_with_the_first():
    rows = [row([11, 12], at=[1]), row([21, 22, 23], at=[2, 0]), row([31], at=[])]
    (batch,) = make_batches(rows, 7, PAD)
    assert batch.members == (1, 0, 2)
    assert batch.at.tolist() == [[2, 0], [1, 0], [0, 0]]


def test_shapes_are_rounded_up():
    rows = rows_with_places([13] * 6, [2, 1, 0, 5, 3, 1])
    (batch,) = make_batches(rows, 7, PAD, longest=77)
    assert batch.inputs["input_ids"].shape == (7, 16)
    assert batch.inputs["attention_mask"][6].tolist() == [0] * 16
    assert batch.at.shape == (7, 16)
    (batch,) = make_batches(rows[:3], 7, PAD, longest=77)
    assert batch.inputs["input_ids"].shape == (4, 16)
    assert batch.at.shape == (4, 4)
    assert len(batch.members) == 3


@pytest.mark.parametrize(
    ("length", "rounded"),
    [(1, 8), (8, 8), (9, 16), (65, 96), (300, 384), (513, 1024), (1025, 1300)],
)
def test_lengths_are_rounded_up_but_not_beyond_the_longest(length, rounded):
    (batch,) = make_batches(rows_of([length]), 4, PAD, longest=1300)
    assert batch.inputs["input_ids"].shape == (1, rounded)


def test_a_stream_of_random_lengths_has_few_shapes():
    random = np.random.default_rng(1)
    config = AlbertConfig(max_position_embeddings=512)
    runner = EchoRunner(bucketed=True, config=config)
    task = Echo(config)
    for _ in range(40):
        lengths = random.integers(1, 513, random.integers(1, 200))
        compute(runner, task, rows_of(lengths), 32)
    assert {shape[0] for shape in runner.shapes} <= {1, 2, 4, 8, 16, 32}
    assert {shape[1] for shape in runner.shapes} <= set(_LENGTHS)
    # Of 12 lengths and 6 numbers of rows.
    assert len(set(runner.shapes)) <= 72
    seen = set()
    for _ in range(40):
        lengths = random.integers(1, 513, random.integers(1, 200))
        compute(runner, task, rows_of(lengths), 32, seen)
    assert len(seen) <= 24


def mixed(number, seed=2):
    """Lengths of short and long rows, mixed as sentences and paragraphs are."""
    random = np.random.default_rng(seed)
    return np.clip(np.exp(random.normal(2.9, 1.0, number)), 3, 512).astype(int)


@pytest.mark.parametrize(("number", "most"), [(8, 2), (32, 4), (99, 7)])
def test_a_short_stream_has_very_few_shapes(number, most):
    for seed in range(5):
        lengths, seen = mixed(number, seed), set()
        batches = list(make_batches(rows_of(lengths), 32, PAD, 512, seen))
        shapes = {batch.inputs["input_ids"].shape for batch in batches}
        assert shapes == seen
        assert len(seen) <= most
        computed = sum(batch.inputs["input_ids"].size for batch in batches)
        assert computed < 2 * lengths.sum() + 1024


def test_a_long_stream_has_shapes_where_they_pay():
    seen, found, computed, real = set(), [], 0, 0
    for seed in range(20):
        lengths = mixed(512, seed)
        for batch in make_batches(rows_of(lengths), 32, PAD, 512, seen):
            computed += batch.inputs["input_ids"].size
        real += lengths.sum()
        found.append(len(seen))
    # Most of them come with the first window, and none of the last ones brings many.
    assert found[0] <= 14
    assert found[-1] <= 30
    assert found[-1] - found[9] <= 4
    assert computed < 1.35 * real


def test_shapes_that_are_there_already_are_taken_again():
    rows = rows_of([20] * 3)
    seen = {(4, 32)}
    (batch,) = make_batches(rows, 4, PAD, 512, seen)
    assert batch.inputs["input_ids"].shape == (4, 32)
    (batch,) = make_batches(rows, 4, PAD, 512)
    assert batch.inputs["input_ids"].shape == (4, 24)


@pytest.mark.parametrize(("longest", "limit"), [(None, 1.15), (512, 1.4)])
def test_little_is_padded(longest, limit):
    """Of short and long rows, mixed as sentences and paragraphs are."""
    lengths = mixed(512)
    batches = list(make_batches(rows_of(lengths), 32, PAD, longest))
    computed = sum(batch.inputs["input_ids"].size for batch in batches)
    assert computed < limit * lengths.sum()
    # Not by computing each row by itself.
    assert len(batches) < 30
    in_order = sum(
        32 * lengths[start : start + 32].max() for start in range(0, 512, 32)
    )
    assert computed < 0.5 * in_order


def test_rows_of_one_length_make_full_batches():
    for batch_size in (1, 2, 31, 32, 33, 100, 1009):
        batches = list(make_batches(rows_of([7] * 2100), batch_size, PAD))
        sizes = [len(batch.members) for batch in batches]
        assert sorted(sizes)[1:] == [batch_size] * (len(sizes) - 1)
        assert sum(sizes) == 2100


def test_the_longest_batch_is_the_first():
    batches = make_batches(rows_of([5, 70, 6, 40, 7, 8] * 9), 4, PAD)
    lengths = [batch.inputs["input_ids"].shape[1] for batch in batches]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == 70


def test_an_output_that_is_kept_keeps_no_batch():
    class Wide(EchoRunner):
        def __call__(self, inputs, fields, at=None):
            return {"values": np.ones((*inputs["input_ids"].shape, 5000), np.float32)}

    rows = rows_of([64] * 31 + [2])
    tracemalloc.start()
    try:
        kept = compute(Wide(), Echo(), rows, 32)[31]
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept["values"].shape == (2, 5000)
    assert kept["values"].base is None
    assert held < 1e6
    # It may be written to, whatever the framework gave.
    kept["values"][0] = 2


def test_places_in_some_rows_only_are_refused():
    with pytest.raises(ValueError) as caught:
        compute(EchoRunner(), Echo(), [row([5, 6], at=[1]), row([7, 8])], 4)
    assert str(caught.value) == "either all rows must have places (at), or none."


@pytest.mark.parametrize(
    ("ids", "types", "text"),
    [
        (
            [5, 101],
            [0, 1],
            (
                "the tokenizer gives the id 101, but the model reads ids below "
                "vocab_size=101: use the model's own tokenizer, or call "
                "model.resize_token_embeddings(len(tokenizer))."
            ),
        ),
        (
            [5, -1],
            [0, 1],
            "input_ids must be at least 0 and below vocab_size=101, but has -1.",
        ),
        (
            [5, 6],
            [0, 2],
            "token_type_ids must be at least 0 and below type_vocab_size=2, but has 2.",
        ),
        (
            [5] * 78,
            [0] * 78,
            (
                "input_ids has 78 positions, but max_position_embeddings is 77: "
                "truncate the text or split it."
            ),
        ),
        (
            [],
            [],
            "input_ids must have at least one position, but has the shape [1, 0].",
        ),
        (
            [5, 6],
            [0],
            "token_type_ids must have the shape [1, 2] of input_ids, but has [1, 1].",
        ),
    ],
)
def test_what_the_model_cannot_read_is_refused(ids, types, text):
    good = row([100, 0])
    check_rows([good], CONFIG)
    bad = Row(np.array(ids, np.int32), np.array(types, np.int32))
    with pytest.raises(ValueError) as caught:
        check_rows([good, bad], CONFIG)
    assert str(caught.value) == text
