"""The output classes: fields, access, copies."""

import copy
import pickle

import pytest

from albert.common import outputs

FIELDS = {
    "BaseModelOutput": ("last_hidden_state", "hidden_states", "attentions"),
    "BaseModelOutputWithPooling": (
        "last_hidden_state",
        "pooler_output",
        "hidden_states",
        "attentions",
    ),
    "AlbertForPreTrainingOutput": (
        "loss",
        "prediction_logits",
        "sop_logits",
        "hidden_states",
        "attentions",
    ),
    "MaskedLMOutput": ("loss", "logits", "hidden_states", "attentions"),
    "SequenceClassifierOutput": ("loss", "logits", "hidden_states", "attentions"),
    "MultipleChoiceModelOutput": ("loss", "logits", "hidden_states", "attentions"),
    "TokenClassifierOutput": ("loss", "logits", "hidden_states", "attentions"),
    "QuestionAnsweringModelOutput": (
        "loss",
        "start_logits",
        "end_logits",
        "hidden_states",
        "attentions",
    ),
}

every_class = pytest.mark.parametrize("name", FIELDS)


def full(name):
    return getattr(outputs, name)(**{field: f"the {field}" for field in FIELDS[name]})


def test_these_are_all_classes():
    found = {c.__name__ for c in outputs.ModelOutput.__subclasses__()}
    mine = {
        n for n in found if getattr(outputs, n, None).__module__ == outputs.__name__
    }
    assert mine == set(FIELDS)


@every_class
def test_fields_and_their_order(name):
    output = full(name)
    assert type(output).fields == FIELDS[name]
    assert tuple(output) == FIELDS[name]
    assert output.to_tuple() == tuple(f"the {field}" for field in FIELDS[name])


@every_class
def test_access_by_attribute_key_and_position(name):
    output = full(name)
    for position, field in enumerate(FIELDS[name]):
        value = f"the {field}"
        assert getattr(output, field) == output[field] == output[position] == value
    assert output[-1] == "the attentions"
    assert output[1:] == output.to_tuple()[1:]
    assert isinstance(output, dict)


@every_class
def test_none_takes_no_position(name):
    first, *others = FIELDS[name]
    output = getattr(outputs, name)(**{first: None, others[0]: 1, others[1]: None})
    assert output.to_tuple() == (1,)
    assert output[0] == 1
    assert len(output) == 1
    assert list(output.items()) == [(others[0], 1)]
    assert getattr(output, first) is None
    assert getattr(output, others[1]) is None
    assert first not in output
    assert output.get(first) is None
    with pytest.raises(KeyError) as caught:
        output[first]
    assert caught.value.args == (first,)
    with pytest.raises(IndexError):
        output[1]


def test_order_is_the_class_and_not_the_callers():
    output = outputs.MaskedLMOutput(attentions=3, logits=2, loss=1)
    assert output.to_tuple() == (1, 2, 3)
    assert list(output) == ["loss", "logits", "attentions"]
    del output["loss"]
    output.loss = 0
    assert output.to_tuple() == (0, 2, 3)


def test_made_from_a_mapping_or_pairs():
    expected = outputs.MaskedLMOutput(loss=1, logits=2)
    assert outputs.MaskedLMOutput({"logits": 2, "loss": 1}) == expected
    assert outputs.MaskedLMOutput([("logits", 2), ("loss", 1)]) == expected
    assert outputs.MaskedLMOutput({"logits": 2}, loss=1) == expected
    assert outputs.MaskedLMOutput() == {}


def test_setting():
    output = outputs.MaskedLMOutput(logits=2)
    output.loss = 1
    assert output["loss"] == 1
    output["loss"] = 5
    assert output.loss == 5
    output.loss = None
    assert output.loss is None
    assert output.to_tuple() == (2,)
    output["loss"] = None
    assert output.to_tuple() == (2,)


def _make(output):
    type(output)(logitz=1)


def _set_key(output):
    output["logitz"] = 1


def _set_attribute(output):
    output.logitz = 1


@pytest.mark.parametrize("change", [_make, _set_key, _set_attribute])
@every_class
def test_unknown_field(name, change):
    with pytest.raises(KeyError) as caught:
        change(full(name))
    assert caught.value.args == (
        f"{name} has the fields {', '.join(FIELDS[name])}, not 'logitz'",
    )


@every_class
def test_unknown_attribute(name):
    with pytest.raises(AttributeError) as caught:
        full(name).logitz  # noqa: B018
    assert str(caught.value) == f"{name!r} has no attribute 'logitz'"
    assert not hasattr(full(name), "logitz")


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda output: pickle.loads(pickle.dumps(output))],
    ids=["copy", "deepcopy", "pickle"],
)
@every_class
def test_copies(name, duplicate):
    output = full(name)
    other = duplicate(output)
    assert type(other) is type(output)
    assert other is not output
    assert other == output
    assert other.to_tuple() == output.to_tuple()
    other.attentions = None
    assert output.attentions == "the attentions"


@pytest.mark.parametrize(
    "change",
    [
        lambda output: output.update(nothing=1),
        lambda output: output.setdefault("nothing", 1),
        lambda output: output.__ior__({"nothing": 1}),
    ],
    ids=["update", "setdefault", "ior"],
)
def test_no_way_past_the_check_of_fields(change):
    output = outputs.MaskedLMOutput(logits=1)
    with pytest.raises(KeyError, match="MaskedLMOutput has the fields loss, logits"):
        change(output)
    assert list(output) == ["logits"]


def test_update_keeps_values_and_drops_none():
    output = outputs.MaskedLMOutput(logits=1)
    output.update(loss=2)
    output |= {"attentions": 3}
    assert output.to_tuple() == (2, 1, 3)
    output.update(loss=None)
    assert output.to_tuple() == (1, 3)
