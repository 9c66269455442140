import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from albert.common import outputs as common
from albert.flax import outputs

CLASSES = [
    name
    for name, value in vars(common).items()
    if isinstance(value, type) and value.__module__ == common.__name__
]
CLASSES.remove("ModelOutput")


def _filled(output_class):
    return output_class(
        {
            name: (jnp.ones(2) * index, jnp.zeros(3))
            if name[-1] == "s"
            else jnp.ones(1)
            for index, name in enumerate(output_class.fields)
        }
    )


@pytest.mark.parametrize("name", CLASSES)
def test_is_a_node_of_trees(name):
    output = _filled(getattr(outputs, f"Flax{name}"))
    doubled = jax.tree.map(lambda leaf: leaf * 2, output)
    assert type(doubled) is type(output)
    assert list(doubled) == list(output) == list(type(output).fields)
    for field in output:
        for got, given in zip(
            jax.tree.leaves(doubled[field]), jax.tree.leaves(output[field]), strict=True
        ):
            np.testing.assert_array_equal(got, given * 2)


@pytest.mark.parametrize("name", CLASSES)
def test_crosses_the_boundary_of_jit(name):
    output = _filled(getattr(outputs, f"Flax{name}"))
    returned = jax.jit(lambda node: node)(output)
    assert type(returned) is type(output)
    assert list(returned) == list(output)


def test_absent_fields_stay_absent():
    output = outputs.FlaxMaskedLMOutput(logits=jnp.ones(3))
    returned = jax.jit(lambda node: node)(output)
    assert list(returned) == ["logits"]
    assert returned.loss is None
    assert returned[0] is returned.logits
    assert len(returned.to_tuple()) == 1


def test_leaves_have_paths():
    output = outputs.FlaxMaskedLMOutput(loss=jnp.ones(()), logits=jnp.ones(3))
    paths = [
        jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(output)
    ]
    assert paths == ["['loss']", "['logits']"]


def test_can_be_pickled():
    output = outputs.FlaxMaskedLMOutput(logits=np.ones(3))
    copy = pickle.loads(pickle.dumps(output))
    assert type(copy) is outputs.FlaxMaskedLMOutput
    np.testing.assert_array_equal(copy.logits, output.logits)
