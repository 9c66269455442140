"""NumPy in, NumPy out."""

import numpy as np
import pytest
import tensorflow as tf

from albert.tf import heads, models
from albert.tf.runner import Runner, run
from conformance import oracle

FIELDS = {
    "AlbertModel": ("last_hidden_state", "pooler_output"),
    "AlbertForPreTraining": ("prediction_logits", "sop_logits"),
    "AlbertForMaskedLM": ("logits",),
    "AlbertForSequenceClassification": ("logits",),
    "AlbertForMultipleChoice": ("logits",),
    "AlbertForTokenClassification": ("logits",),
    "AlbertForQuestionAnswering": ("start_logits", "end_logits"),
}
PLACES = np.array([[6, 0], [3, 3], [1, 5]], np.int32)


@pytest.fixture
def given(inputs_of):
    """Give a class's inputs without labels and positions."""

    def make(class_name="AlbertModel"):
        names = ("input_ids", "attention_mask", "token_type_ids")
        return {name: inputs_of(class_name)[name].astype(np.int32) for name in names}

    return make


def traces(runner):
    return [
        function.experimental_get_tracing_count()
        for function in runner._traced.values()
    ]


@pytest.mark.parametrize("class_name", FIELDS)
def test_fields(class_name, config, make, given, weights_of):
    model = make(class_name, config)
    inputs = given(class_name)
    fields = FIELDS[class_name][::-1]
    found = Runner(model)(inputs, fields)
    expected = oracle.MODELS[class_name](config, weights_of(model), inputs)
    assert tuple(found) == fields
    for name, value in found.items():
        assert type(value) is np.ndarray
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, expected[name], rtol=0, atol=2e-5)


def test_one_choice_for_each_row(flat, make, given):
    model = make("AlbertForMultipleChoice", flat)
    inputs = given("AlbertForMultipleChoice")
    runner = Runner(model)
    whole = runner(inputs, ("logits",))["logits"]
    first = {name: array[:, :1] for name, array in inputs.items()}
    found = runner(first, ("logits",))["logits"]
    assert found.shape == (3, 1)
    np.testing.assert_allclose(found, whole[:, :1], rtol=0, atol=1e-6)
    assert traces(runner) == [1]


def test_places_are_taken_before_copying(flat, make, given):
    runner = Runner(make("AlbertForMaskedLM", flat))
    inputs = given()
    whole = runner(inputs, ("logits",))["logits"]
    found = runner(inputs, ("logits",), PLACES)["logits"]
    right = whole[np.arange(3)[:, None], PLACES]
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-6)
    assert runner(inputs, ("logits",), PLACES[:, :0])["logits"].shape == (3, 0, 101)
    # What the graph gives is what is copied.
    _, graph = runner._traced.values()
    given_back = graph.get_concrete_function().structured_outputs
    assert given_back["logits"].shape.as_list() == [None, None, 101]


def test_a_ragged_stream_is_traced_once(flat, make):
    model = make("AlbertForMaskedLM", flat)
    runner = Runner(model)
    random = np.random.default_rng(0)
    for _ in range(30):
        shape = tuple(random.integers(1, 12, 2))
        ids = random.integers(0, 101, shape).astype(np.int32)
        inputs = {"input_ids": ids, "attention_mask": np.ones(shape, np.int32)}
        at = random.integers(0, shape[1], (shape[0], 2)).astype(np.int32)
        found = runner(inputs, ("logits",), at)["logits"]
        right = run(model, inputs)["logits"]
        right = right[np.arange(len(ids))[:, None], at]
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-5)
        assert runner(inputs, ["logits"])["logits"].shape == (*shape, 101)
    assert traces(runner) == [1, 1]


def test_the_graph_still_checks_the_length(flat, make):
    runner = Runner(make("AlbertModel", flat))
    ids = np.ones((2, 12), np.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="more positions than"):
        runner({"input_ids": ids}, ("last_hidden_state",))


def test_words_are_scored_where_they_are_read(flat, make, given, monkeypatch):
    runner = Runner(make("AlbertForMaskedLM", flat))
    scored = []

    def noting(hidden, places):
        scored.append(places is not None)
        return heads.take_places(hidden, places)

    monkeypatch.setattr(models, "take_places", noting)
    runner(given(), ("logits",), PLACES)
    runner(given(), ("logits",))
    assert scored == [True, False]


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "mixed_bfloat16"])
def test_fields_are_float32(dtype, flat, make, given):
    model = make("AlbertModel", flat, dtype=dtype)
    found = Runner(model)(given(), ("last_hidden_state",))["last_hidden_state"]
    right = run(model, given())["last_hidden_state"]
    assert found.dtype == np.float32
    tolerance = 1e-6 if dtype == "float64" else 0.02
    np.testing.assert_allclose(
        found, right.astype(np.float32), rtol=0, atol=tolerance * np.abs(right).max()
    )


def test_the_model_may_change_after(flat, make, given):
    model = make("AlbertForMaskedLM", flat)
    runner = Runner(model)
    before = runner(given(), ("logits",))["logits"]
    model.predictions.bias.assign_add(np.full(101, 2, np.float32))
    after = runner(given(), ("logits",))["logits"]
    np.testing.assert_allclose(after, before + 2, rtol=0, atol=1e-5)
    assert traces(runner) == [1]
    model.resize_token_embeddings(113)
    found = runner(given(), ("logits",))["logits"]
    assert found.shape == (3, 7, 113)
    np.testing.assert_allclose(found[..., :101], after, rtol=0, atol=1e-5)
    assert traces(runner) == [1, 1]


def test_a_model_that_was_compiled_and_trains(flat, make, given):
    changes = {"hidden_dropout_prob": 0.5, "attention_probs_dropout_prob": 0.5}
    model = make("AlbertModel", flat.replace(**changes))
    model.compile(optimizer="adam", jit_compile=False)
    runner = Runner(model)
    right = run(model, given())["pooler_output"]
    for _ in range(2):
        found = runner(given(), ("pooler_output",))["pooler_output"]
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-5)


def test_settings_of_outputs_make_no_difference(flat, make, given):
    changes = {
        "return_dict": False,
        "output_attentions": True,
        "output_hidden_states": True,
    }
    runner = Runner(make("AlbertModel", flat.replace(**changes)))
    found = runner(given(), ("pooler_output",))["pooler_output"]
    right = run(make("AlbertModel", flat), given())["pooler_output"]
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-6)


def test_only_what_is_asked_for_is_computed(flat, make, given):
    """The graph that runs is pruned: a field that fails does no harm."""
    model = make("AlbertForPreTraining", flat)
    computed = []
    original = model.predictions.call

    def call(hidden, *args, **kwargs):
        scores = original(hidden, *args, **kwargs)
        return scores + tf.numpy_function(
            lambda: computed.append(1) or np.float32(0), [], tf.float32, stateful=False
        )

    model.predictions.call = call
    runner = Runner(model)
    runner(given(), ("sop_logits",))
    assert not computed
    runner(given(), ("prediction_logits",))
    assert computed


def test_new_shapes_cost_nothing():
    assert Runner.bucketed is False


def test_all_outputs(flat, make, inputs_of, weights_of, assert_close):
    model = make("AlbertForMaskedLM", flat)
    inputs = inputs_of("AlbertForMaskedLM")
    found = run(model, inputs, output_hidden_states=True, output_attentions=True)
    expected = oracle.MODELS["AlbertForMaskedLM"](flat, weights_of(model), inputs)
    assert_close(found, expected)
    assert {type(one) for one in found["hidden_states"]} == {np.ndarray}


def test_widens_bfloat16(flat, make, given):
    found = run(make("AlbertModel", flat, dtype="bfloat16"), given())
    assert found["pooler_output"].dtype == np.float32
