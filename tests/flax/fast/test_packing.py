import copy
import gc
import pickle

import jax
import numpy as np
import pytest

from albert.flax.fast import packing
from albert.flax.fast.switches import using


@pytest.fixture(autouse=True)
def forget():
    packing.forget()
    yield
    packing.forget()


def _plain(model, given):
    with using(compiled=False):
        return model(**given)


def _scaled(params):
    return jax.tree.map(lambda leaf: leaf * 1.1, params)


def test_one_copy_is_kept(load, inputs, simple):
    model, given = load(config=simple), inputs()
    model(**given)
    model(**given)
    assert len(packing._held) == 1
    ((_, packed),) = packing._held.values()
    block = packed[0][0]
    held = model.params["encoder"]["albert_layer_groups"]["0"]["albert_layers"]["0"]
    assert block["projections"].shape == (72, 24)
    np.testing.assert_array_equal(block["ffn"], held["ffn"]["kernel"].T)
    kernels = sum(leaf.size for leaf in jax.tree.leaves(held) if leaf.ndim == 2)
    assert kernels == sum(leaf.size for leaf in jax.tree.leaves(block))


def test_it_goes_with_the_weights(load, inputs, simple):
    model = load(config=simple)
    model(**inputs())
    del model
    gc.collect()
    assert not packing._held


def test_other_weights_are_packed_anew(load, inputs, simple, assert_same):
    model, given = load(config=simple), inputs()
    before = model(**given)
    other = _scaled(model.params)
    given_other = {**given, "params": other}
    found = model(**given_other)
    assert_same(found, _plain(model, given_other))
    model.params = other
    assert_same(model(**given), found)
    assert (np.asarray(found[0]) != before[0]).any()


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_copies_have_weights_of_their_own(again, load, inputs, simple, assert_same):
    model, given = load(config=simple), inputs()
    right = model(**given)
    twin = again(model)
    twin.params = _scaled(twin.params)
    assert_same(twin(**given), _plain(twin, given))
    assert_same(model(**given), right)


def test_donated_weights_are_refused(load, inputs, simple):
    model, given = load(config=simple), inputs()
    model(**given)
    jax.tree.map(lambda leaf: leaf.delete(), model.params)
    with pytest.raises((RuntimeError, ValueError), match="deleted"):
        model(**given)


def test_weights_of_numpy_are_not_packed(load, inputs, simple, assert_same):
    """They can be changed in place."""
    model, given = load(config=simple), inputs()
    params = jax.tree.map(lambda leaf: np.array(leaf), model.params)
    model(**given, params=params)
    for leaf in jax.tree.leaves(params):
        leaf *= 1.1
    given["params"] = params
    assert_same(model(**given), _plain(model, given))
    assert not packing._held


def test_many_tokens_need_no_copy(load, inputs, simple, monkeypatch):
    monkeypatch.setattr(packing, "TOKENS", 20)
    load(config=simple)(**inputs())
    assert not packing._held


def test_switched_off(load, inputs, simple):
    with using(packed=False):
        load(config=simple)(**inputs())
    assert not packing._held


def test_a_bounded_number_is_kept(load, simple, monkeypatch):
    monkeypatch.setattr(packing, "KEPT", 2)
    params = load(config=simple).params["encoder"]["albert_layer_groups"]
    many = [_scaled(params) for _ in range(3)]
    for one in many:
        packing.pack(one)
    assert len(packing._held) == 2


def test_made_while_jax_traces(load, inputs, simple, assert_same):
    model, given = load(config=simple), inputs()
    found = jax.jit(lambda scale: model(**given).last_hidden_state * scale)(2.0)
    assert_same(found / 2, model(**given).last_hidden_state)
