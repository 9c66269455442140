"""The layers for few tokens: taken where they pay, the same answers, no stale copy."""

import copy
import pickle
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from albert.common.config import AlbertConfig
from albert.tf.fast import compiled, layers, packing, using
from albert.tf.models import TFAlbertModel
from conformance import oracle

SIZES = {
    "vocab_size": 40,
    "embedding_size": 8,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 140,
    "initializer_range": 0.5,
}
# Keras' own, when it copies models
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)
IDS = np.arange(10).reshape(2, 5) + 4
MASK = np.array([[0, 0, 0, 0, 0], [1, 1, 0, 0, 0]])
GIVEN = {"input_ids": IDS, "attention_mask": MASK}


@pytest.fixture(autouse=True)
def ways(monkeypatch):
    """Let copies of tiny matrices pay, at once; note how the layers were run."""
    monkeypatch.setattr(packing, "LEAST", 0)
    monkeypatch.setattr(packing, "CALLS", 1)
    found, plain = [], compiled._run

    def run(graph, kind, given):
        found.append("columns" if "way" in given else "model")
        return plain(graph, kind, given)

    monkeypatch.setattr(compiled, "_run", run)
    return found


@pytest.fixture(scope="module")
def shared():
    """Give a model that no test changes, so that it is compiled once."""
    return TFAlbertModel(AlbertConfig(**SIZES))


def _model(**settings):
    return TFAlbertModel(AlbertConfig(**SIZES, **settings))


def _block(model) -> Any:
    return model.encoder.albert_layer_groups[0].albert_layers[0]


def _check(model, **inputs):
    """Compare a call with that of the model's own layers."""
    inputs = inputs or GIVEN
    found = model(**inputs)
    with using(compiled=False):
        plain = model(**inputs)
    assert type(found) is type(plain)
    for one, other in zip(*map(tf.nest.flatten, (found, plain)), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5)


def test_the_oracle(make, config, inputs_of, weights_of, assert_close, ways):
    """Two groups of two blocks, biases and scales that are all random."""
    model, given = make("AlbertModel", config), inputs_of("AlbertModel")
    right = oracle.model(config, weights_of(model), given)
    found = model(**given)
    pooled = {name: found[name] for name in ("last_hidden_state", "pooler_output")}
    assert_close(pooled, {name: right[name] for name in pooled})
    assert ways == ["columns"]


def test_taken_and_equal(shared, ways):
    _check(shared)
    for shape in ((2, 5), (1, 16), (3, 17), (1, 128)):
        _check(
            shared, input_ids=np.ones(shape, int), token_type_ids=np.ones(shape, int)
        )
    assert ways == ["columns"] * 5
    assert set(shared._compiled_calls._traced) == {
        (key, True) for key, _ in shared._compiled_calls._traced
    }


def test_only_for_few_tokens(shared, ways):
    for shape in ((1, 129), (3, 33)):
        shared(np.ones(shape, int))
    assert ways == ["model"] * 2


def test_only_when_a_size_comes_again(packed, monkeypatch):
    monkeypatch.setattr(packing, "CALLS", 3)
    sizes = [(1, 5), (1, 5), (1, 17), (2, 5), (1, 6), (1, 17), (1, 16)]
    ways = [packed.take("", one, [tf.constant(IDS)]) for one in sizes]
    # Of 1 x 5, 1 x 6 and 1 x 16, which are one size, the third; then every one.
    assert [way is not None for way in ways] == [False] * 4 + [True, False, True]
    assert ways[4].length == ways[6].length == 16
    assert packed.take("other", (1, 5), [tf.constant(IDS)]) is None


def test_choices_are_a_part_of_the_batch(packed):
    given = [tf.constant(IDS)]
    assert packed.take("", (2, 2, 32), given).length == 32
    assert packed.take("", (2, 2, 33), given) is None


def test_details_need_the_models_own_layers(monkeypatch):
    model = _model()
    calls, given = compiled.CompiledCalls(), {"input_ids": tf.constant(IDS)}

    def way(**flags):
        return calls._way(model, flags, "", IDS.shape, given)

    for name in ("output_attentions", "output_hidden_states"):
        assert way(**{name: True}) is None
        assert way(**{name: False}) is not None
        monkeypatch.setattr(model.config, name, True)
        assert way() is None
        assert way(**{name: False}) is not None
        monkeypatch.setattr(model.config, name, False)
    assert way() is not None


def _half(model):
    _block(model).ffn.dtype_policy = keras.DTypePolicy("mixed_bfloat16")


def _lora(model):
    _block(model).ffn.enable_lora(2)


def _dense(model):
    _block(model).ffn.activation = keras.activations.relu


def _center(model):
    _block(model).attention.LayerNorm.center = False


@pytest.mark.parametrize("change", [_half, _lora, _dense, _center])
def test_other_arithmetic_needs_the_models_own_layers(change):
    model = _model()
    assert packing.Packing(model)._pays
    change(model)
    assert not packing.Packing(model)._pays


def test_small_matrices_need_no_copy(monkeypatch):
    monkeypatch.setattr(packing, "LEAST", 3 * 16 * 16 + 16 * 16 + 2 * 16 * 24)
    assert packing.Packing(_model())._pays
    monkeypatch.setattr(packing, "LEAST", packing.LEAST + 1)
    assert not packing.Packing(_model())._pays


@pytest.fixture
def packed(shared):
    """Give what decides, of a model that is not run."""
    return packing.Packing(shared)


def test_where_it_is_not_sure(packed, monkeypatch):
    given = [tf.constant(IDS)]
    assert packed.take("", IDS.shape, given) is not None
    with using(packed=False):
        assert packed.take("", IDS.shape, given) is None
    monkeypatch.setattr(packing, "is_op_determinism_enabled", lambda: True)
    assert packed.take("", IDS.shape, given) is None
    monkeypatch.undo()
    monkeypatch.setattr(packing, "_has_xla", lambda: False)
    assert packed.take("", IDS.shape, given) is None


def _has_none(*_, **__):
    raise tf.errors.UnimplementedError(None, None, "no XLA")


def _gpu(*_):
    return [tf.config.LogicalDevice("/device:GPU:0", "GPU")]


@pytest.mark.parametrize(
    ("of", "name", "instead"),
    [(tf, "function", _has_none), (tf.config, "list_logical_devices", _gpu)],
)
def test_without_xla_or_with_a_gpu(of, name, instead, monkeypatch):
    assert packing._has_xla.__wrapped__()
    monkeypatch.setattr(of, name, instead)
    assert not packing._has_xla.__wrapped__()


def test_one_copy_is_kept(shared):
    packed = packing.Packing(shared)
    ((found,),) = packed._pack()
    kernel = _block(shared).ffn.kernel
    assert found["projections"].shape == (48, 16)
    np.testing.assert_array_equal(found["ffn"], tf.transpose(kernel))
    assert packed._pack()[0][0] is found
    packed.drop()
    assert not packed._read
    assert packed._pack()[0][0] is not found


def _assign(kernel):
    kernel.assign(kernel * 2)


def _add(kernel):
    kernel.value.assign_add(tf.ones_like(kernel))


def _in_a_graph(kernel):
    tf.function(lambda: kernel.value.assign_add(tf.ones_like(kernel)))()


def _by_xla(kernel):
    change = tf.function(
        lambda: kernel.value.assign_add(tf.ones_like(kernel)), jit_compile=True
    )
    change()


def _by_an_optimizer(kernel):
    keras.optimizers.SGD(1.0).apply([tf.ones_like(kernel)], [kernel])


def _raw(kernel):
    tf.raw_ops.ResourceApplyGradientDescent(
        var=kernel.value.handle, alpha=1.0, delta=tf.ones_like(kernel)
    )


@pytest.mark.parametrize(
    "change", [_assign, _add, _in_a_graph, _by_xla, _by_an_optimizer, _raw]
)
@pytest.mark.parametrize("name", ["query", "ffn_output"])
def test_a_changed_matrix_is_packed_anew(change, name):
    model = _model()
    packed = packing.Packing(model)
    before = packed._pack()
    kernel = packing._dense_layers(_block(model))[name].kernel
    change(kernel)
    after = packed._pack()
    assert after is not before
    ((block,),) = after
    turned = block["projections"][:16] if name == "query" else block[name]
    np.testing.assert_array_equal(turned, tf.transpose(kernel))
    # The next change is seen, too.
    change(kernel)
    assert packed._pack() is not after


@pytest.mark.parametrize("change", ["slice", "scatter"])
def test_a_matrix_that_cannot_be_watched(change):
    """TensorFlow copies such a variable for each reader, so buffers say nothing."""
    model = _model()
    packed = packing.Packing(model)
    kernel = _block(model).ffn.kernel.value
    if change == "slice":
        kernel[0].assign(tf.zeros(24))
    else:
        kernel.scatter_nd_update([[0, 0]], [5.0])
    assert packed._pack() is None
    assert packed.take("", IDS.shape, [tf.constant(IDS)]) is None


def test_a_call_after_a_change_is_right(ways):
    model = _model()
    before = model(**GIVEN)[0]
    kernel = _block(model).ffn.kernel
    kernel.assign(-kernel)
    _check(model)
    assert np.abs(model(**GIVEN)[0] - before).max() > 1e-3
    assert ways == ["columns"] * 3
    # No more traces, and XLA's programs are those of before.
    assert len(model._compiled_calls._traced) == 1


def test_training_drops_the_copy(shared):
    shared(**GIVEN)
    packed = shared._compiled_calls._packing
    assert packed._packed is not None
    shared(**GIVEN, training=True)
    assert packed._packed is None
    assert not packed._read


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_copies_have_copies_of_their_own(copied, shared):
    shared(**GIVEN)
    held = shared._compiled_calls._packing
    other = copied(shared)
    assert other._compiled_calls._packing is None
    assert shared._compiled_calls._packing is held
    assert packing.Packing(other)._pack() is not held._packed


def test_the_choice_ends():
    way = layers.Way(None, 8)
    with layers.taking(way):
        assert layers.chosen() is way
        with layers.taking(None):
            assert layers.chosen() is None
    assert layers.chosen() is None
