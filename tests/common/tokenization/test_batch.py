import copy
import os
import pickle
import sys
from collections.abc import Mapping

import numpy as np
import pytest

from albert.common.tokenization import BatchEncoding
from albert.common.tokenization.batch import CharSpan, TokenSpan
from albert.common.tokenization.tensors import to_tensor

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
TEXTS = ["the old man", "the sea"]


def test_it_is_a_dict(tokenizer):
    found = tokenizer(TEXTS)
    assert isinstance(found, Mapping)
    assert isinstance(found, dict)
    assert found.data == dict(**found) == {**found}
    assert found.input_ids is found["input_ids"]
    assert found[0:1]["input_ids"] == found["input_ids"][:1]
    assert found.is_fast is tokenizer.is_fast


def test_rows(fast):
    found = fast("the [MASK]", "old man")
    assert found.tokens() == [
        "[CLS]",
        "▁the",
        "[MASK]",
        "[SEP]",
        "▁old",
        "▁man",
        "[SEP]",
    ]
    assert found.encodings[0] is found[0]
    assert found.n_sequences == 2
    assert fast("the").n_sequences == 1
    assert found.sequence_ids() == [None, 0, 0, None, 1, 1, None]
    assert found.word_ids() == [None, 0, 1, None, 0, 1, None]
    assert found.token_to_sequence(4) == found.token_to_sequence(0, 4) == 1
    assert found.token_to_word(5) == found.token_to_word(0, 5) == 1


def test_characters_and_tokens(fast):
    found = fast(["the [MASK]"], ["old man"])
    assert found.token_to_chars(0, 2) == CharSpan(4, 10)
    assert found.token_to_chars(0, 0) is None
    assert found.char_to_token(0, 5) == 2
    assert found.char_to_token(0, 3) is None
    assert found.char_to_token(0, 4, sequence_index=1) == 5
    assert found.char_to_word(0, 4, sequence_index=1) == 1
    assert found.char_to_word(0, 3) is None
    assert found.word_to_tokens(0, 1, sequence_index=1) == TokenSpan(5, 6)
    assert found.word_to_tokens(0, 7) is None
    assert found.word_to_chars(0, 1, sequence_index=1) == CharSpan(4, 7)
    assert found.word_to_chars(0, 7) is None


def test_word_of_several_tokens(fast):
    found = fast("xyzzyx the")
    start, end = found.word_to_tokens(0)
    assert end - start > 1
    assert found.word_to_chars(0) == CharSpan(0, 6)


def test_copies_and_pickles(tokenizer):
    found = tokenizer(TEXTS)
    again = pickle.loads(pickle.dumps(found))
    assert again == found == copy.deepcopy(found)
    assert isinstance(again, BatchEncoding)
    if tokenizer.is_fast:
        assert again[1].offsets == tokenizer(TEXTS)[1].offsets
        assert again.word_ids(1) == found.word_ids(1)
    else:
        assert again.n_sequences is None
        assert again.encodings is None


FAST_ONLY = {
    "tokens()": lambda found: found.tokens(),
    "word_ids()": lambda found: found.word_ids(),
    "sequence_ids()": lambda found: found.sequence_ids(),
    "token_to_sequence()": lambda found: found.token_to_sequence(1),
    "token_to_word()": lambda found: found.token_to_word(1),
    "token_to_chars()": lambda found: found.token_to_chars(1),
    "char_to_token()": lambda found: found.char_to_token(1),
    "char_to_word()": lambda found: found.char_to_word(1),
    "word_to_tokens()": lambda found: found.word_to_tokens(1),
    "word_to_chars()": lambda found: found.word_to_chars(1),
    "a row's encoding": lambda found: found[0],
}


@pytest.mark.parametrize("what", FAST_ONLY)
def test_what_the_slow_class_does_not_know(slow, what):
    with pytest.raises(ValueError) as error:
        FAST_ONLY[what](slow("the"))
    assert str(error.value) == (
        f"{what} is known to AlbertTokenizerFast only: use it, it gives the same ids."
    )


def test_no_such_column(tokenizer):
    found = tokenizer("the")
    with pytest.raises(AttributeError) as error:
        found.labels  # noqa: B018
    assert str(error.value) == (
        "BatchEncoding has no 'labels'; its columns are input_ids, token_type_ids, "
        "attention_mask."
    )
    with pytest.raises(KeyError) as error:
        found[1.5]
    assert error.value.args == (
        "a BatchEncoding is indexed by column name, row number or slice, not by float.",
    )


def test_numpy(tokenizer):
    found = tokenizer(TEXTS, padding=True, return_tensors="np")
    lists = tokenizer(TEXTS, padding=True)
    for name, column in found.items():
        assert column.dtype == np.int64
        assert column.tolist() == lists[name]
    assert tokenizer("the", return_tensors="np")["input_ids"].shape == (1, 3)
    assert tokenizer.encode("the", return_tensors="np").shape == (1, 3)
    assert tokenizer([], return_tensors="np")["input_ids"].dtype == np.int64


def test_torch(tokenizer):
    torch = pytest.importorskip("torch")
    found = tokenizer(TEXTS, padding=True, return_tensors="pt")
    assert found["input_ids"].dtype == torch.int64
    assert found["input_ids"].tolist() == tokenizer(TEXTS, padding=True)["input_ids"]
    assert found.to("meta")["input_ids"].device.type == "meta"
    assert tokenizer.decode(torch.tensor([2, 3])) == "[CLS][SEP]"


def test_tensorflow_and_keras(tokenizer):
    tf = pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")
    found = tokenizer(TEXTS, padding=True, return_tensors="tf")
    assert found["input_ids"].dtype == tf.int32
    expected = tokenizer(TEXTS, padding=True)["input_ids"]
    assert found["input_ids"].numpy().tolist() == expected
    assert tokenizer.batch_decode(found["input_ids"]) == tokenizer.batch_decode(
        expected
    )
    leaves = keras.tree.flatten(found)
    assert len(leaves) == 3
    again = keras.tree.map_structure(lambda leaf: leaf + 1, found)
    assert again["input_ids"].numpy().tolist() == [[i + 1 for i in r] for r in expected]


def test_jax(tokenizer):
    jax = pytest.importorskip("jax")
    found = tokenizer(TEXTS, padding=True, return_tensors="jax")
    assert isinstance(found["input_ids"], jax.Array)
    expected = tokenizer(TEXTS, padding=True)["input_ids"]
    assert found["input_ids"].tolist() == expected
    again = jax.tree.map(lambda leaf: leaf + 1, found)
    assert again["input_ids"].tolist() == [[i + 1 for i in row] for row in expected]


def test_offsets_become_arrays(fast):
    found = fast("the", return_tensors="np", return_offsets_mapping=True)
    assert found["offset_mapping"].tolist() == [[[0, 0], [0, 3], [0, 0]]]


def test_convert_later(tokenizer):
    found = tokenizer("the")
    found.convert_to_tensors("np", prepend_batch_axis=True)
    assert found["input_ids"].shape == (1, 3)
    found.convert_to_tensors(None)
    assert found["input_ids"].shape == (1, 3)


def test_ragged_rows(tokenizer):
    with pytest.raises(ValueError) as error:
        tokenizer(TEXTS, return_tensors="np")
    assert str(error.value) == (
        "'input_ids' cannot become a tensor, its rows differ in length: use "
        "padding=True and truncation=True, or return_tensors=None."
    )


@pytest.mark.parametrize(
    ("kind", "module", "pip"),
    [
        ("pt", "torch", "torch"),
        ("tf", "tensorflow", "tensorflow"),
        ("jax", "jax.numpy", "jax"),
    ],
)
def test_framework_that_is_not_there(monkeypatch, kind, module, pip):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError) as error:
        to_tensor("input_ids", [[1]], kind)
    assert str(error.value) == (
        f"return_tensors={kind!r} needs {pip}: pip install {pip}"
    )
