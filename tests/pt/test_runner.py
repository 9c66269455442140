"""NumPy in, NumPy out."""

import numpy as np
import pytest
import torch

from albert.pt import fast
from albert.pt.runner import Runner, run

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
def padded():
    """Compute padding, too: what is bit for bit the same is so only then."""
    with fast.using(unpadded=False):
        yield


def test_outputs_are_the_models(lab, class_name):
    model = lab.model(class_name)
    inputs = {**lab.inputs(class_name), **lab.labels(class_name)}
    found = run(model, inputs, output_hidden_states=True, output_attentions=True)
    expected = lab.oracle(class_name, inputs)
    assert list(found) == [name for name in found if name in expected]
    assert set(found) == set(expected)
    for name, right in expected.items():
        values, rights = found[name], right
        if not isinstance(right, tuple):
            values, rights = (values,), (rights,)
        assert isinstance(values, tuple)
        for value, other in zip(values, rights, strict=True):
            assert isinstance(value, np.ndarray)
            assert value.dtype == np.float32
            np.testing.assert_allclose(value, other, rtol=0, atol=2e-5, err_msg=name)


def test_only_what_is_asked_for_is_given(lab):
    inputs = lab.inputs("AlbertModel")
    assert list(run(lab.model("AlbertModel"), inputs)) == [
        "last_hidden_state",
        "pooler_output",
    ]


def test_settings_of_tuples_make_no_difference(lab):
    model = lab.model("AlbertForMaskedLM", return_dict=False)
    found = run(model, lab.inputs("AlbertForMaskedLM"))
    assert list(found) == ["logits"]


@pytest.mark.parametrize(
    ("dtype", "given"),
    [
        (torch.float64, np.float64),
        (torch.float16, np.float16),
        # NumPy has no bfloat16.
        (torch.bfloat16, np.float32),
    ],
)
def test_types(lab, dtype, given):
    model = lab.model("AlbertModel", dtype)
    inputs = lab.inputs("AlbertModel")
    found = run(model, inputs, output_attentions=True)
    with torch.no_grad():
        right = model(**lab.tensors(inputs), output_attentions=True)
    assert found["pooler_output"].dtype == given
    assert {array.dtype for array in found["attentions"]} == {np.dtype(given)}
    np.testing.assert_array_equal(
        found["last_hidden_state"].astype(np.float64),
        right.last_hidden_state.double().numpy(),
    )


def test_no_gradients_and_no_change_of_inputs(lab):
    model = lab.model("AlbertForMaskedLM")
    inputs = {**lab.inputs("AlbertForMaskedLM"), **lab.labels("AlbertForMaskedLM")}
    before = {name: array.copy() for name, array in inputs.items()}
    assert run(model, inputs)["loss"].shape == ()
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, array in before.items():
        np.testing.assert_array_equal(inputs[name], array)


def test_error_of_the_model_comes_through(lab):
    ids = np.full((3, 7), 101)
    with pytest.raises(ValueError) as caught:
        run(lab.model("AlbertModel"), {"input_ids": ids})
    assert str(caught.value) == (
        "input_ids must be at least 0 and below vocab_size=101, but has 101."
    )


def test_fields(lab, class_name):
    inputs = lab.inputs(class_name)
    fields = FIELDS[class_name][::-1]
    found = Runner(lab.model(class_name))(inputs, fields)
    expected = lab.oracle(class_name, inputs)
    assert tuple(found) == fields
    for name, value in found.items():
        assert type(value) is np.ndarray
        assert value.dtype == np.float32
        right = expected[name]
        assert value.shape == right.shape
        if value.shape[:2] == (3, 7):  # nobody reads what hidden tokens give
            seen = inputs["attention_mask"] != 0
            value, right = value[seen], right[seen]
        np.testing.assert_allclose(value, right, rtol=0, atol=2e-5)


def test_one_choice_for_each_row(lab):
    inputs = lab.inputs("AlbertForMultipleChoice")
    model = lab.model("AlbertForMultipleChoice")
    whole = Runner(model)(inputs, ("logits",))["logits"]
    first = {name: array[:, :1] for name, array in inputs.items()}
    found = Runner(model)(first, ("logits",))["logits"]
    np.testing.assert_allclose(found, whole[:, :1], rtol=0, atol=1e-6)


def test_places_are_taken_before_copying(lab, monkeypatch):
    inputs = lab.inputs("AlbertForMaskedLM")
    runner = Runner(lab.model("AlbertForMaskedLM"))
    whole = runner(inputs, ("logits",))["logits"]
    copied = []
    original = torch.Tensor.cpu
    monkeypatch.setattr(
        torch.Tensor, "cpu", lambda self: copied.append(self.shape) or original(self)
    )
    found = runner(inputs, ("logits",), PLACES)["logits"]
    right = whole[np.arange(3)[:, None], PLACES]
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-6)
    assert copied == [(3, 2, 101)]
    assert runner(inputs, ("logits",), PLACES[:, :0])["logits"].shape == (3, 0, 101)


@pytest.mark.parametrize("class_name", ["AlbertForPreTraining", "AlbertForMaskedLM"])
def test_words_are_scored_where_they_are_read(lab, class_name, monkeypatch):
    model = lab.model(class_name)
    runner, inputs = Runner(model), lab.inputs(class_name)
    scored = []
    score = model.predictions.score
    monkeypatch.setattr(
        model.predictions,
        "score",
        lambda narrowed: scored.append(narrowed.shape) or score(narrowed),
    )
    runner(inputs, FIELDS[class_name][:1], PLACES[:, :1])
    runner(inputs, FIELDS[class_name][1:])
    assert scored == [(3, 1, 5)]


def test_other_fields_are_taken_at_places(lab):
    inputs = lab.inputs("AlbertForTokenClassification")
    runner = Runner(lab.model("AlbertForTokenClassification"))
    whole = runner(inputs, ("logits",))["logits"]
    found = runner(inputs, ("logits",), PLACES)["logits"]
    np.testing.assert_array_equal(found, whole[np.arange(3)[:, None], PLACES])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_fields_are_float32(lab, dtype, padded):
    inputs = lab.inputs("AlbertModel")
    model = lab.model("AlbertModel", dtype)
    found = Runner(model)(inputs, ("last_hidden_state",))["last_hidden_state"]
    right = run(model, inputs)["last_hidden_state"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, right.astype(np.float32))


def test_the_model_may_change_after(lab, padded):
    inputs = lab.inputs("AlbertForMaskedLM")
    model = lab.model("AlbertForMaskedLM")
    runner = Runner(model)
    runner(inputs, ("logits",))
    with torch.no_grad():
        model.predictions.bias += 2
    changed = run(model, inputs)["logits"]
    np.testing.assert_array_equal(runner(inputs, ("logits",))["logits"], changed)
    model.to(torch.float64)
    model.resize_token_embeddings(113)
    assert runner(inputs, ("logits",))["logits"].shape == (3, 7, 113)


def test_inputs_go_where_the_model_is(lab, monkeypatch):
    model = lab.model("AlbertModel")
    runner, inputs = Runner(model), lab.inputs("AlbertModel")
    places, seen = [], []
    monkeypatch.setattr(
        type(model), "device", property(lambda self: places.append(1) or "cpu")
    )
    original = torch.tensor
    monkeypatch.setattr(
        torch,
        "tensor",
        lambda array, device: seen.append(device) or original(array, device=device),
    )
    # Asked for in each call, since the model may have been moved.
    for calls in (1, 2):
        runner(inputs, ("last_hidden_state",), PLACES)
        assert seen == ["cpu"] * 4 * calls
        assert len(places) >= calls


def test_training_goes_on_as_it_was(lab, padded):
    changes = {"hidden_dropout_prob": 0.5, "attention_probs_dropout_prob": 0.5}
    model = lab.model("AlbertModel", **changes)
    inputs = lab.inputs("AlbertModel")
    right = run(model, inputs)["pooler_output"]
    model.train()
    model.embeddings.eval()
    flags = [module.training for module in model.modules()]
    found = Runner(model)(inputs, ("pooler_output",))["pooler_output"]
    np.testing.assert_array_equal(found, right)
    with pytest.raises(ValueError, match="input_ids"):
        Runner(model)({"input_ids": np.full((3, 7), 101)}, ("pooler_output",))
    assert [module.training for module in model.modules()] == flags
    assert True in flags and False in flags


def test_settings_of_outputs_make_no_difference(lab, padded):
    changes = {
        "return_dict": False,
        "output_attentions": True,
        "output_hidden_states": True,
    }
    inputs = lab.inputs("AlbertModel")
    found = Runner(lab.model("AlbertModel", **changes))(inputs, ("pooler_output",))
    right = run(lab.model("AlbertModel"), inputs)["pooler_output"]
    np.testing.assert_array_equal(found["pooler_output"], right)


def test_new_shapes_cost_nothing():
    assert Runner.bucketed is False
