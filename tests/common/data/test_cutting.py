"""The tokenizer's ids, many texts at a time."""

import pytest
from hypothesis import given, settings

from albert.common.data.cutting import Cutter
from albert.common.data.words import BEGINS
from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast

from ..tokenization.hostile import TEXTS
from .conftest import demo

CUTTER = Cutter(demo())


@settings(derandomize=True, deadline=None, database=None, max_examples=150)
@given(TEXTS)
def test_the_ids_are_those_of_the_tokenizer(text):
    plain = demo().__getstate__()["saved"]
    assert plain.proto is not None
    engine = demo()._engine
    assert CUTTER.cut([text, "a"]) == [
        list(engine.cut(part, continues=False).ids) for part in (text, "a")
    ]


def test_without_a_comma_in_the_vocabulary(tokenizer, monkeypatch):
    cutter = Cutter(tokenizer)
    monkeypatch.setattr(cutter, "_no_comma", True)
    text = "In 2001, \u2603 and 3,000, it was."
    assert cutter.cut([text]) == CUTTER.cut([text])
    assert cutter.cut([text]) == [tokenizer.encode(text, add_special_tokens=False)]


def test_special_tokens_in_text_are_text(tokenizer):
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    (ids,) = CUTTER.cut(["Write [MASK], [CLS] and <pad> [SEP]."])
    assert special.isdisjoint(ids)
    assert len(ids) > 12


def test_added_tokens_are_words():
    tokenizer = AlbertTokenizer.from_pretrained("albert-demo")
    before = Cutter(tokenizer).identity
    tokenizer.add_tokens(["qqxz"])
    cutter = Cutter(tokenizer)
    (ids,) = cutter.cut(["the qqxz of"])
    assert ids == tokenizer.encode("the qqxz of", add_special_tokens=False)
    assert ids[1] == len(tokenizer) - 1 == before.vocab_size
    assert cutter.kinds()[ids[1]] == BEGINS
    assert cutter.identity.sha256 != before.sha256


def test_the_identity_is_that_of_ids(tokenizer):
    identity = CUTTER.identity
    assert identity.special == {"pad": 0, "cls": 2, "sep": 3, "mask": 4}
    assert identity.never_masked == [0, 1, 2, 3, 4]
    assert identity.vocab_size == 8192
    fast = AlbertTokenizerFast.from_pretrained("albert-demo", model_max_length=9)
    assert Cutter(fast).identity == identity
    cased = AlbertTokenizer.from_pretrained("albert-demo", do_lower_case=False)
    assert Cutter(cased).identity.sha256 != identity.sha256


def test_wordpiece(tmp_path):
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cell", "##s", "!"]
    (tmp_path / "vocab.txt").write_text("\n".join(tokens))
    cutter = Cutter(AlbertTokenizerFast.from_pretrained(tmp_path))
    assert cutter.cut(["cells!", "?"]) == [[5, 6, 7], [1]]
    assert cutter.kinds().tolist() == [0, 0, 0, 0, 0, 1, 2, 1]


def test_a_tokenizer_without_a_mask():
    tokenizer = AlbertTokenizer.from_pretrained("albert-demo", mask_token=None)
    tokenizer.roles["mask_token"] = None
    with pytest.raises(ValueError) as caught:
        Cutter(tokenizer)
    assert str(caught.value) == (
        "the tokenizer has no mask_token, which pre-training needs: set it with "
        "add_special_tokens()."
    )
