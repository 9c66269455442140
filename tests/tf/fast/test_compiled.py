"""A plain call in inference as one graph: taken where it is safe, the same answers."""

import copy
import gc
import pickle
import threading
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from albert.common.config import AlbertConfig
from albert.tf.fast import compiled, using
from albert.tf.models import (
    TFAlbertForMaskedLM,
    TFAlbertForMultipleChoice,
    TFAlbertForSequenceClassification,
    TFAlbertModel,
)

# Keras' own, when it writes its files and quantises
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)

SIZES = {
    "vocab_size": 40,
    "embedding_size": 8,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 12,
    "initializer_range": 0.5,
}
IDS = np.arange(10).reshape(2, 5) + 4
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])


@pytest.fixture(autouse=True)
def _counted(monkeypatch):
    """Count the traces and the calls of them."""
    _counts.update(traced=0, called=0)
    for name, counted in (("_trace", "traced"), ("_run", "called")):
        monkeypatch.setattr(compiled, name, _counting(getattr(compiled, name), counted))


_counts = {}


def _counting(function, name):
    def counting(*args):
        _counts[name] += 1
        return function(*args)

    return counting


def _model(model_class=TFAlbertModel, dtype=None, **settings):
    return model_class(AlbertConfig(**SIZES, **settings), dtype=dtype)


def _check(model, traced, called, atol=2e-5, **inputs):
    """Compare a call with the plain one; how many were traced and called so far."""
    inputs = inputs or {"input_ids": IDS, "attention_mask": MASK}
    found = model(**inputs)
    assert _counts == {"traced": traced, "called": called}
    with using(compiled=False):
        plain = model(**inputs)
    assert _counts["called"] == called
    assert type(found) is type(plain)
    for one, other in zip(*map(tf.nest.flatten, (found, plain)), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(
            tf.cast(one, tf.float32),
            tf.cast(other, tf.float32),
            atol=atol if one.dtype == tf.float32 else 0.1,
        )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "mixed_bfloat16"])
def test_one_trace_for_all_sizes(dtype):
    model = _model(dtype=dtype)
    _check(model, 1, 1)
    for length in (1, 3, 12):
        ids = np.ones((length, length), int)
        _check(model, 1, _counts["called"] + 1, input_ids=ids, attention_mask=ids)


def test_every_kind_of_input_has_a_trace():
    model = _model()
    positions = np.array([[4, 3, 2, 1, 0]])
    _check(model, 1, 1, input_ids=IDS)
    _check(model, 2, 2, input_ids=IDS, token_type_ids=MASK, position_ids=positions)
    _check(model, 3, 3, input_ids=IDS.astype("int32"))
    _check(model, 4, 4, inputs_embeds=np.ones((2, 3, 8), "float32"))
    _check(model, 5, 5, input_ids=IDS, return_dict=False)
    flags = {"output_attentions": True, "output_hidden_states": True}
    _check(model, 6, 6, input_ids=IDS, **flags)
    _check(model, 6, 7, input_ids=IDS)


def test_choices():
    model = _model(TFAlbertForMultipleChoice)
    _check(model, 1, 1, input_ids=np.stack([IDS, IDS + 1]))
    with pytest.raises(ValueError, match=r"^input_ids must have the shape \[B, C, S\]"):
        model(IDS)


def test_values_are_checked_first():
    model = _model()
    model(IDS)
    with pytest.raises(ValueError) as caught:
        model(IDS + 40)
    assert str(caught.value) == (
        "input_ids must be at least 0 and below vocab_size=40, but has 44."
    )
    with pytest.raises(ValueError, match=r"^input_ids has 13 positions"):
        model(np.ones((1, 13), int))


def test_labels_are_checked_and_the_inner_model_is_compiled():
    model = _model(TFAlbertForMaskedLM)
    _check(model, 1, 1, input_ids=IDS, labels=IDS)
    with pytest.raises(ValueError, match=r"^labels must be at least 0 and below"):
        model(IDS, labels=IDS + 40)


def test_assigned_weights_are_seen():
    model = _model()
    _check(model, 1, 1)
    before = model(IDS)[0]
    for weight in model.weights:
        weight.assign(weight + 0.1)
    assert np.abs(model(IDS)[0] - before).max() > 1e-3
    _check(model, 2, 4)


def _resize(model):
    model.resize_token_embeddings(50)


def _lora(model):
    ffn = model.encoder.albert_layer_groups[0].albert_layers[0].ffn
    ffn.enable_lora(2)
    ffn.lora_kernel_b.assign(tf.ones_like(ffn.lora_kernel_b))


def _activation(model):
    model.encoder.albert_layer_groups[0].albert_layers[0].activation = tf.nn.relu


def _setting(model):
    model.config.output_hidden_states = True


def _layer(model):
    other = _model()
    model.encoder = other.encoder


def _inner_layer(model):
    other = _model()
    model.encoder.albert_layer_groups[0].albert_layers[0] = (
        other.encoder.albert_layer_groups[0].albert_layers[0]
    )


def _epsilon(model):
    model.embeddings.LayerNorm.epsilon = 1.0


@pytest.mark.parametrize(
    "change", [_resize, _lora, _activation, _setting, _layer, _inner_layer, _epsilon]
)
def test_changes_are_traced_again(change):
    model = _model()
    _check(model, 1, 1)
    change(model)
    _check(model, 2, 2)


def test_quantized():
    model = _model()
    _check(model, 1, 1)
    model.encoder.albert_layer_groups[0].albert_layers[0].ffn.quantize("int8")
    # A value on the edge between two steps of int8 may fall to either side.
    _check(model, 2, 2, atol=0.1)


def test_fit_and_compile_change_nothing():
    model = _model(TFAlbertForSequenceClassification)
    model.compile("sgd")
    model.fit({"input_ids": IDS}, np.array([0, 1]), verbose=0)
    _counts.update(traced=0, called=0)
    _check(model, 1, 1)
    model.fit({"input_ids": IDS}, np.array([0, 1]), verbose=0)
    _check(model, 1, 2)


class _Own(TFAlbertModel):
    def call(self, input_ids=None, training=None):
        self.calls = getattr(self, "calls", 0) + 1
        return super().call(input_ids)


def test_plain_for_a_class_of_a_users():
    model = _model(_Own)
    model(IDS)
    model(IDS)
    assert model.calls == 2
    assert _counts["called"] == 0


def test_plain_with_a_layer_or_function_of_a_users():
    model = _model()
    model.encoder.albert_layer_groups[0].albert_layers[0].activation = lambda x: x * 2
    _check(model, 0, 0)
    model = _model()
    model.embeddings.LayerNorm.activity_regularizer = keras.regularizers.L2(1.0)
    _check(model, 0, 0)


def test_plain_where_steps_are_wanted():
    model = _model()
    model(IDS, training=True)
    with tf.GradientTape() as tape:
        found = tf.reduce_sum(model(IDS)[0] ** 2)
    assert all(one is not None for one in tape.gradient(found, model.weights[:3]))
    tf.function(lambda ids: model(ids)[0])(tf.constant(IDS))
    tf.config.run_functions_eagerly(True)
    try:
        model(IDS)
    finally:
        tf.config.run_functions_eagerly(False)
    values = [tf.zeros_like(one) for one in model.variables]
    with keras.StatelessScope(zip(model.variables, values, strict=True)):
        assert np.abs(model(IDS)[0]).max() == 0
    model(keras.Input((5,), dtype="int32"))
    assert _counts == {"traced": 0, "called": 0}


class _Outer(keras.layers.Layer):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, ids, training=None):
        return self.inner(ids)[0]


def test_training_around_it():
    model = _model(hidden_dropout_prob=0.5)
    outer = _Outer(model)
    assert np.abs(outer(IDS, training=True) - outer(IDS, training=True)).max() > 0
    assert _counts["called"] == 0
    outer(IDS)
    assert _counts["called"] == 1


def test_models_go_when_nobody_holds_them():
    def call():
        # TensorFlow looks into its callers' frames, which hold what they held then.
        model = _model()
        model(IDS)
        return weakref.ref(model)

    held = call()
    gc.collect()
    assert _counts == {"traced": 1, "called": 1}
    assert held() is None


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_copies_have_traces_of_their_own(copied):
    model = _model()
    before = model(IDS)[0]
    other = copied(model)
    np.testing.assert_allclose(other(IDS)[0], before, atol=1e-5)
    other.embeddings.word_embeddings.embeddings.assign(tf.zeros((40, 8)))
    other(IDS)
    np.testing.assert_array_equal(model(IDS)[0], before)


def test_keras_file_and_saved_model(tmp_path):
    model = _model()
    before = model(IDS)[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(IDS)[0], before, atol=1e-5)
    function = tf.function(lambda ids: model(ids)[0])
    model.serve = function.get_concrete_function(tf.TensorSpec([None, 5], tf.int64))
    tf.saved_model.save(model, str(tmp_path / "saved"), signatures=model.serve)


def test_threads():
    model = _model()
    expected, found = _model_answers(model), [None] * 4

    def ask(number):
        found[number] = model(IDS)[0].numpy()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _counts == {"traced": 1, "called": 4}
    for one in found:
        np.testing.assert_allclose(one, expected, atol=2e-5)


def _model_answers(model):
    with using(compiled=False):
        return model(IDS)[0].numpy()


def test_placed():
    model = _model()
    model._placed = "/device:CPU:0"
    _check(model, 1, 1)
