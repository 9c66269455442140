import ml_dtypes
import numpy as np

from albert.flax.runner import run


def test_gives_numpy_arrays(load, inputs, expect):
    model = load("AlbertForMaskedLM")
    given = inputs("AlbertForMaskedLM", labels=True)
    found = run(model, given, output_hidden_states=True)
    right = expect("AlbertForMaskedLM", given)
    assert list(found) == ["loss", "logits", "hidden_states"]
    assert type(found["logits"]) is np.ndarray
    assert {type(one) for one in found["hidden_states"]} == {np.ndarray}
    np.testing.assert_allclose(found["logits"], right["logits"], rtol=0, atol=2e-5)


def test_widens_bfloat16(load, inputs):
    found = run(load(dtype="bfloat16"), inputs())["last_hidden_state"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, found.astype(ml_dtypes.bfloat16))
