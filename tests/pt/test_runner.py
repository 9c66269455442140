"""NumPy in, NumPy out."""

import numpy as np
import pytest
import torch

from albert.pt.runner import run


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
