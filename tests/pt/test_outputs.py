"""The output classes as nodes of PyTorch's trees."""

import pickle

import pytest
import torch
from torch.utils import _pytree

from albert.common import outputs as common
from albert.pt import AlbertForPreTrainingOutput, outputs

NAMES = [
    "BaseModelOutput",
    "BaseModelOutputWithPooling",
    "AlbertForPreTrainingOutput",
    "MaskedLMOutput",
    "SequenceClassifierOutput",
    "MultipleChoiceModelOutput",
    "TokenClassifierOutput",
    "QuestionAnsweringModelOutput",
]
every_class = pytest.mark.parametrize("name", NAMES)


def make(name):
    fields = getattr(common, name).fields
    values = {field: torch.full((2,), float(i)) for i, field in enumerate(fields)}
    values["hidden_states"] = (torch.zeros(3), torch.ones(3))
    values["attentions"] = None
    return getattr(outputs, name)(**values)


@every_class
def test_fields_are_the_common_ones(name):
    mine, theirs = getattr(outputs, name), getattr(common, name)
    assert issubclass(mine, theirs)
    assert mine is not theirs
    assert mine.fields == theirs.fields


def test_public_class():
    assert AlbertForPreTrainingOutput is outputs.AlbertForPreTrainingOutput


@every_class
def test_taken_apart_and_rebuilt(name):
    output = make(name)
    leaves, tree = _pytree.tree_flatten(output)
    assert all(isinstance(leaf, torch.Tensor) for leaf in leaves)
    # One leaf a field, two hidden states, no attentions.
    assert len(leaves) == len(type(output).fields)
    rebuilt = _pytree.tree_unflatten(leaves, tree)
    assert type(rebuilt) is type(output)
    assert list(rebuilt) == list(output)
    assert rebuilt.attentions is None
    doubled = _pytree.tree_map(lambda tensor: 2 * tensor + 1, output)
    assert type(doubled) is type(output)
    for field, value in output.items():
        pairs = (
            zip(doubled[field], value, strict=True)
            if isinstance(value, tuple)
            else [(doubled[field], value)]
        )
        for found, before in pairs:
            torch.testing.assert_close(found, 2 * before + 1, rtol=0, atol=0)


@every_class
def test_tree_can_be_written_and_read(name):
    _, tree = _pytree.tree_flatten(make(name))
    text = _pytree.treespec_dumps(tree)
    assert f"albert.pt.outputs.{name}" in text
    assert _pytree.treespec_loads(text) == tree


@every_class
def test_pickle(name):
    output = make(name)
    other = pickle.loads(pickle.dumps(output))
    assert type(other) is type(output)
    assert list(other) == list(output)
    torch.testing.assert_close(dict(other), dict(output), rtol=0, atol=0)
