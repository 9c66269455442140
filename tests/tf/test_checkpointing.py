"""Gradient checkpointing: the same gradients from less memory."""

import gc

import keras
import numpy as np
import pytest
import tensorflow as tf

from albert import AlbertConfig
from albert.tf import TFAlbertForMaskedLM

CONFIG = AlbertConfig(
    vocab_size=50,
    embedding_size=8,
    hidden_size=32,
    num_hidden_layers=4,
    num_hidden_groups=2,
    inner_group_num=2,
    num_attention_heads=2,
    intermediate_size=128,
    max_position_embeddings=64,
    initializer_range=0.1,
)
IDS = np.random.default_rng(0).integers(5, 50, (4, 32))


def states(model):
    """The states of the dropout's randomness."""
    weights = {id(weight) for weight in model.weights}
    return [one for one in model.variables if id(one) not in weights]


def step(model, **compiled):
    """Give all gradients of one step from fixed states, and the states after it."""
    for state in states(model):
        state.assign([3, 5])
    weights = [weight.value for weight in model.trainable_weights]

    def run():
        with tf.GradientTape() as tape:
            loss = model(IDS, labels=IDS, training=True).loss
        return tape.gradient(loss, weights)

    run = tf.function(run, **compiled) if compiled else run
    found = [tf.convert_to_tensor(one).numpy() for one in run()]
    return found, [state.numpy().tolist() for state in states(model)]


@pytest.mark.parametrize(
    ("rate", "compiled"), [(0.0, {}), (0.3, {}), (0.3, {"jit_compile": False})]
)
def test_same_gradients(rate, compiled):
    config = CONFIG.replace(hidden_dropout_prob=rate, attention_probs_dropout_prob=rate)
    model = TFAlbertForMaskedLM(config)
    right, after = step(model, **compiled)
    model.gradient_checkpointing_enable()
    assert model.is_gradient_checkpointing
    found, after_too = step(model, **compiled)
    assert after == after_too
    assert bool(after) == bool(rate)
    largest = max(np.abs(one).max() for one in right)
    for mine, theirs in zip(found, right, strict=True):
        assert np.abs(mine - theirs).max() <= 1e-6 * largest
    model.gradient_checkpointing_disable()
    assert not model.is_gradient_checkpointing


def test_less_memory():
    """What the tape keeps alive, in bytes."""
    model = TFAlbertForMaskedLM(CONFIG.replace(hidden_dropout_prob=0.1))
    much = kept(model)
    model.gradient_checkpointing_enable()
    assert kept(model) < 0.4 * much


def kept(model):
    """Count the tensors that a step has made and its tape keeps."""
    gc.collect()
    before = {id(one) for one in tensors()}
    with tf.GradientTape() as tape:
        loss = model(IDS, labels=IDS, training=True).loss
    gc.collect()
    size = sum(
        int(np.prod(one.shape)) * one.dtype.size
        for one in tensors()
        if id(one) not in before
    )
    assert tape.gradient(loss, model.trainable_weights[0].value) is not None
    return size


def tensors():
    # By type alone: some objects of other packages warn if they are asked.
    return [one for one in gc.get_objects() if issubclass(type(one), tf.Tensor)]


def test_fit_traces_again():
    config = CONFIG.replace(num_hidden_layers=2, inner_group_num=1)
    model = TFAlbertForMaskedLM(config)
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    model.fit({"input_ids": IDS, "labels": IDS}, verbose=0)
    assert model.train_function is not None
    model.gradient_checkpointing_enable()
    assert model.train_function is None
    model.fit({"input_ids": IDS, "labels": IDS}, verbose=0)


def test_attentions_are_there():
    model = TFAlbertForMaskedLM(CONFIG)
    switches = {"output_attentions": True, "output_hidden_states": True}
    right = model(IDS, training=True, **switches)
    model.gradient_checkpointing_enable()
    found = model(IDS, training=True, **switches)
    assert len(found.attentions) == 8
    for field in ("attentions", "hidden_states"):
        for mine, theirs in zip(found[field], right[field], strict=True):
            assert np.array_equal(mine, theirs)


def test_unknown_arguments():
    with pytest.raises(ValueError) as caught:
        TFAlbertForMaskedLM(CONFIG).gradient_checkpointing_enable({"reentrant": True})
    assert str(caught.value) == (
        "gradient_checkpointing_kwargs must be None, since they are PyTorch's, but is "
        "{'reentrant': True}."
    )
