"""NumPy in, NumPy out."""

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from albert.common.tasks.batching import make_batches
from albert.common.tasks.task import Row
from albert.flax import heads, models
from albert.flax.runner import Runner, run

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


def test_gives_numpy_arrays(load, inputs, expect):
    model = load("AlbertForMaskedLM")
    given = inputs("AlbertForMaskedLM", labels=True)
    found = run(model, given, output_hidden_states=True)
    right = expect("AlbertForMaskedLM", given)
    assert list(found) == ["loss", "logits", "hidden_states"]
    assert type(found["logits"]) is np.ndarray
    assert {type(one) for one in found["hidden_states"]} == {np.ndarray}
    np.testing.assert_allclose(found["logits"], right["logits"], rtol=0, atol=2e-5)


def test_widens_bfloat16(load, inputs):
    found = run(load(dtype="bfloat16"), inputs())["last_hidden_state"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, found.astype(ml_dtypes.bfloat16))


@pytest.mark.parametrize("class_name", FIELDS)
def test_fields(class_name, load, simple, inputs, expect):
    given = inputs(class_name)
    fields = FIELDS[class_name][::-1]
    found = Runner(load(class_name, simple))(given, fields)
    expected = expect(class_name, given, simple)
    assert set(found) == set(fields)
    for name, value in found.items():
        assert type(value) is np.ndarray
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, expected[name], rtol=0, atol=2e-5)


def test_one_choice_for_each_row(load, simple, inputs):
    model = load("AlbertForMultipleChoice", simple)
    given = inputs("AlbertForMultipleChoice")
    whole = Runner(model)(given, ("logits",))["logits"]
    first = {name: array[:, :1] for name, array in given.items()}
    found = Runner(model)(first, ("logits",))["logits"]
    assert found.shape == (3, 1)
    np.testing.assert_allclose(found, whole[:, :1], rtol=0, atol=1e-6)


def test_places_are_taken_before_copying(load, simple, inputs):
    runner = Runner(load("AlbertForMaskedLM", simple))
    given = inputs("AlbertForMaskedLM")
    whole = runner(given, ("logits",))["logits"]
    found = runner(given, ("logits",), PLACES)["logits"]
    np.testing.assert_allclose(
        found, whole[np.arange(3)[:, None], PLACES], rtol=0, atol=1e-6
    )
    assert runner(given, ("logits",), PLACES[:, :0])["logits"].shape == (3, 0, 101)


def test_words_are_scored_where_they_are_read(load, simple, inputs, monkeypatch):
    runner = Runner(load("AlbertForMaskedLM", simple))
    given = inputs("AlbertForMaskedLM")
    scored = []

    def noting(hidden, places):
        scored.append(places is not None)
        return heads.take_places(hidden, places)

    monkeypatch.setattr(models, "take_places", noting)
    runner(given, ("logits",), PLACES)
    runner(given, ("logits",))
    assert scored == [True, False]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_fields_are_float32(dtype, load, simple, inputs):
    model = load(config=simple, dtype=dtype, param_dtype=dtype)
    found = Runner(model)(inputs(), ("last_hidden_state",))["last_hidden_state"]
    right = run(model, inputs())["last_hidden_state"].astype(np.float32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, right, rtol=0, atol=0.02 * np.abs(right).max())


def test_weights_that_are_replaced_are_used(load, simple, inputs):
    model = load("AlbertForMaskedLM", simple)
    runner = Runner(model)
    given = inputs("AlbertForMaskedLM")
    before = runner(given, ("logits",))["logits"]
    params = dict(model.params)
    params["predictions"] = dict(params["predictions"])
    params["predictions"]["bias"] = params["predictions"]["bias"] + 2
    model.params = params
    after = runner(given, ("logits",))["logits"]
    np.testing.assert_allclose(after, before + 2, rtol=0, atol=1e-5)
    # The weights are arguments: others need no other program.
    assert runner._jitted._cache_size() == 1


def test_a_model_that_changes_is_compiled_anew(load, simple, inputs):
    model = load("AlbertForMaskedLM", simple)
    runner = Runner(model)
    given = inputs("AlbertForMaskedLM")
    before = runner(given, ("logits",))["logits"]
    model.module = model.module.clone(dtype=jnp.dtype("bfloat16"))
    narrow = runner(given, ("logits",))["logits"]
    # bfloat16 keeps eight bits; float32 computed again would differ by 1e-6.
    assert 0.01 < np.abs(narrow - before).max() < 1
    model.resize_token_embeddings(113)
    assert runner(given, ("logits",))["logits"].shape == (3, 7, 113)


def test_a_model_without_weights_is_refused(load, simple, inputs):
    model, _ = load(config=simple, _do_init=False)
    with pytest.raises(ValueError, match=r"^this model was made with _do_init=False"):
        Runner(model)(inputs(), ("pooler_output",))


def test_settings_of_outputs_make_no_difference(load, simple, inputs):
    changes = {
        "return_dict": False,
        "output_attentions": True,
        "output_hidden_states": True,
    }
    runner = Runner(load(config=simple.replace(**changes)))
    found = runner(inputs(), ("pooler_output",))["pooler_output"]
    right = run(load(config=simple), inputs())["pooler_output"]
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-6)


def test_a_ragged_stream_is_compiled_a_few_times(load, simple):
    """300 rows: three lengths, 8, 16 and 19, times a few of 1, 2, 4, 8, 16 and 32."""
    model = load("AlbertForTokenClassification", simple)
    runner = Runner(model)
    random = np.random.default_rng(0)
    rows = [
        Row(random.integers(0, 101, length), np.zeros(length, np.int32))
        for length in random.integers(1, 20, 300)
    ]
    computed, shapes, seen = 0, set(), set()
    for start in range(0, 300, 60):
        for batch in make_batches(rows[start : start + 60], 32, 0, 19, seen):
            found = runner(batch.inputs, ("logits",))["logits"]
            assert np.isfinite(found).all()
            shapes.add(found.shape[:2])
            computed += len(batch.members)
    assert computed == 300
    assert Runner.bucketed is True
    assert runner._jitted._cache_size() == len(shapes) <= 6


def test_a_configuration_that_is_changed_in_place(load, simple, inputs, expect):
    model, given = load(config=simple.replace(num_hidden_layers=1)), inputs()
    runner = Runner(model)
    runner(given, ("pooler_output",))
    for number in (2, 1):
        model.config.num_hidden_layers = number
        found = runner(given, ("pooler_output",))["pooler_output"]
        right = expect("AlbertModel", given, model.config)["pooler_output"]
        np.testing.assert_allclose(found, right, rtol=0, atol=2e-5)
    assert runner._jitted._cache_size() == 2
