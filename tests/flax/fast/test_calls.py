import gc
import weakref

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from albert.flax import FlaxAlbertModel
from albert.flax.fast import calls
from albert.flax.fast.switches import using
from albert.flax.models import FlaxAlbertModule


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray])
def test_one_program(kind, load, inputs, simple, compilations, fresh_programs):
    model = load(config=simple)
    given = {name: kind(array) for name, array in inputs().items()}
    del compilations[:]
    with using(rounded=False, packed=False):
        model(**given)
        assert len(compilations) == 1
        model(**given)
        # An equal model shares it.
        twin = load(config=simple.replace())
        del compilations[:]
        twin(**given)
    assert not compilations
    assert len(fresh_programs) == 1


@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("return_dict", [False, True])
def test_equals_the_plain_call(labels, return_dict, load, inputs, simple, assert_same):
    name = "AlbertForPreTraining"
    model, given = load(name, simple), inputs(name, labels)
    with using(compiled=False):
        right = model(**given, return_dict=return_dict)
    assert_same(model(**given, return_dict=return_dict), right)


BAD = [
    {"input_ids": np.full((3, 7), 101)},
    {"attention_mask": np.ones((3, 6))},
    {"labels": np.full((3, 7), 101)},
    {"labels": np.full((3, 7), -1), "sentence_order_label": np.array([0, 1])},
    {"labels": np.ones((3, 6), int), "input_ids": np.full((3, 7), 101)},
    {"sentence_order_label": np.array([0, 1, 2])},
    {"labels": np.ones((3, 7))},
]


@pytest.mark.parametrize("bad", BAD)
def test_same_errors(bad, load, inputs, simple):
    name = "AlbertForPreTraining"
    model = load(name, simple)
    given = {**inputs(name, labels=True), **bad}
    with using(compiled=False), pytest.raises(ValueError) as right:
        model(**given)
    for _ in range(2):
        with pytest.raises(ValueError) as found:
            model(**given)
        assert str(found.value) == str(right.value)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_labels_are_checked_in_every_call(kind, load, inputs, simple, fresh_programs):
    """JAX takes both types for one and does not trace again."""
    name = "AlbertForMaskedLM"
    model, given = load(name, simple), inputs(name, labels=True)
    given["labels"] = given["labels"].astype(np.int32)
    model(**given)
    given["labels"] = np.full((3, 7), 101, kind)
    with pytest.raises(ValueError) as error:
        model(**given)
    assert str(error.value) == (
        "labels must be at least 0 and below vocab_size=101 or -100, but has 101."
    )


@pytest.mark.parametrize(
    "change",
    [{"hidden_act": "relu"}, {"layer_norm_eps": 0.1}, {"num_hidden_layers": 1}],
)
def test_a_changed_configuration_is_heeded(change, load, inputs, simple, assert_same):
    model, given = load(config=simple), inputs()
    before = model(**given).last_hidden_state
    for name, value in change.items():
        setattr(model.config, name, value)
    with using(compiled=False):
        right = model(**given)
    found = model(**given)
    assert_same(found, right)
    assert (np.asarray(found.last_hidden_state) != before).any()


class _Module(FlaxAlbertModule):
    factor = 1

    def __call__(self, *arguments, **named):
        output = super().__call__(*arguments, **named)
        output["pooler_output"] = output["pooler_output"] * _Module.factor
        return output


class _Model(FlaxAlbertModel):
    module_class = _Module


def test_a_users_module_is_called_each_time(inputs, simple, monkeypatch):
    model, given = _Model(simple), inputs()
    before = model(**given).pooler_output
    monkeypatch.setattr(_Module, "factor", 2)
    np.testing.assert_array_equal(model(**given).pooler_output, before * 2)


def test_interceptors_see_the_call(load, inputs, simple):
    model, given, seen = load(config=simple), inputs(), []
    model(**given)

    def intercept(call, arguments, named, context):
        seen.append(context.method_name)
        return call(*arguments, **named)

    with nn.intercept_methods(intercept):
        model(**given)
    assert "__call__" in seen


def test_without_compiling(load, inputs, simple, fresh_programs):
    with jax.disable_jit():
        load(config=simple)(**inputs())
    assert not fresh_programs


@pytest.mark.parametrize("way", [jax.jit, jax.vmap])
def test_traced_calls_are_left_alone(way, load, inputs, simple, fresh_programs):
    model = load(config=simple)
    ids = inputs()["input_ids"][:, None]
    way(lambda ids: model(ids).pooler_output)(ids[:, 0] if way is jax.jit else ids)
    assert not fresh_programs


def test_gradients_with_given_weights(load, inputs, simple, fresh_programs):
    model, given = load(config=simple), inputs()
    slopes = jax.grad(lambda params: model(**given, params=params)[1].sum())(
        model.params
    )
    assert np.asarray(slopes["pooler"]["bias"]).any()
    assert not fresh_programs


def test_training_is_left_alone(load, inputs, simple, fresh_programs):
    load(config=simple)(**inputs(), train=True, dropout_rng=jax.random.key(0))
    assert not fresh_programs


def test_no_weights_are_kept(load, inputs, simple):
    model = load(config=simple)
    model(**inputs())
    leaf = weakref.ref(model.params["pooler"]["kernel"])
    held = weakref.ref(model)
    del model
    gc.collect()
    assert held() is None
    assert leaf() is None


def test_a_bounded_number_of_programs(
    load, inputs, simple, fresh_programs, monkeypatch
):
    monkeypatch.setattr(calls, "PROGRAMS", 2)
    model, given = load(config=simple), inputs()
    for epsilon in (0.1, 0.2, 0.3):
        model.config.layer_norm_eps = epsilon
        model(**given)
    assert len(fresh_programs) == 2


def test_types_of_other_kinds_go_the_plain_way(load, simple, fresh_programs):
    model = load(config=simple)
    with pytest.raises(ValueError, match="must be integers"):
        model(np.array([["a", "b"]]))
    assert not fresh_programs
