import numpy as np
import pytest

from albert.common.tokenization import AddedToken

from .rules import DEMO


def test_sizes(tokenizer):
    assert len(tokenizer) == tokenizer.vocab_size == 8192
    vocab = tokenizer.get_vocab()
    assert len(vocab) == 8192
    assert vocab["▁the"] == tokenizer.convert_tokens_to_ids("▁the")
    assert "▁the" in tokenizer


def test_back_and_forth(tokenizer, truth):
    ids = list(range(len(tokenizer)))
    tokens = tokenizer.convert_ids_to_tokens(ids)
    assert tokenizer.convert_tokens_to_ids(tokens) == ids
    assert tokenizer.convert_ids_to_tokens(4) == "[MASK]"
    assert tokenizer.convert_ids_to_tokens([2, 4, 14], skip_special_tokens=True) == (
        tokenizer.convert_ids_to_tokens([14])
    )
    assert tokenizer.convert_tokens_to_ids("no such") == tokenizer.unk_token_id
    assert tokenizer.convert_tokens_to_ids(("▁the",)) == [14]


def test_decode(tokenizer):
    ids = tokenizer.encode("Plants create [MASK] through, it's 3.0.")
    assert tokenizer.decode(ids) == (
        "[CLS] plants create[MASK] through, it's 3.0.[SEP]"
    )
    assert tokenizer.decode(ids, skip_special_tokens=True) == (
        "plants create through, it's 3.0."
    )
    assert tokenizer.decode(np.array(ids)) == tokenizer.decode(ids)
    assert tokenizer.decode([]) == ""
    assert tokenizer.batch_decode([ids, [2, 3]])[1] == "[CLS][SEP]"
    assert tokenizer.batch_decode(np.array([[2, 3]])) == ["[CLS][SEP]"]


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (0, "<pad>"),
        (1, "<unk>"),
        (2, "[CLS]"),
        (3, "[SEP]"),
        (4, "[MASK]"),
        (14, "the"),
    ],
)
def test_decode_one_id(tokenizer, index, text):
    assert tokenizer.decode(index) == tokenizer.decode([index]) == text
    assert tokenizer.decode(np.int64(index)) == text
    assert tokenizer.decode([np.int64(index)]) == text


def test_decode_and_encode_are_inverse(tokenizer):
    ids = tokenizer.encode("the [MASK]. of [MASK] [MASK]s", add_special_tokens=False)
    assert tokenizer.encode(tokenizer.decode(ids), add_special_tokens=False) == ids


def test_clean_up(tokenizer):
    ids = tokenizer.encode("the end . is n't", add_special_tokens=False)
    assert tokenizer.decode(ids) == "the end . is n't"
    cleaned = tokenizer.decode(ids, clean_up_tokenization_spaces=True)
    assert cleaned == "the end. isn't"
    tokenizer.clean_up_tokenization_spaces = True
    assert tokenizer.decode(ids) == cleaned


def test_add_tokens(tokenizer):
    assert tokenizer.add_tokens(["qfoo", "▁the", AddedToken("QBar", lstrip=True)]) == 2
    assert len(tokenizer) == 8194
    assert tokenizer.vocab_size == 8192
    assert tokenizer.tokenize("the qfoos")[:3] == ["▁the", "qfoo", "s"]
    assert tokenizer.tokenize("the QBar") == ["▁the", "QBar"]
    assert tokenizer.get_added_vocab()["qfoo"] == 8192
    assert tokenizer.added_tokens_encoder == tokenizer.get_added_vocab()
    assert tokenizer.added_tokens_decoder[8193] == AddedToken("QBar", lstrip=True)
    assert tokenizer.decode([8192], skip_special_tokens=True) == "qfoo"
    assert tokenizer.add_tokens("qbaz", special_tokens=True) == 1
    assert tokenizer.decode([8194], skip_special_tokens=True) == ""
    assert tokenizer.add_tokens("qbaz") == 0


def test_add_special_tokens(tokenizer):
    added = tokenizer.add_special_tokens(
        {"pad_token": "[PAD]", "additional_special_tokens": ["<a>", "<b>", "[MASK]"]}
    )
    assert added == 3
    assert tokenizer.pad_token == "[PAD]"
    assert tokenizer.pad_token_id == 8192
    assert tokenizer.additional_special_tokens == ["<a>", "<b>", "[MASK]"]
    assert tokenizer.tokenize("x<a>") == [*tokenizer.tokenize("x"), "<a>"]
    assert set(tokenizer.all_special_ids) == {1, 2, 3, 4, 8192, 8193, 8194}
    assert tokenizer.special_tokens_map["additional_special_tokens"][0] == "<a>"


def test_roles(tokenizer):
    assert tokenizer.all_special_tokens == [
        *("[CLS]", "[SEP]", "<unk>", "<pad>", "[MASK]")
    ]
    assert tokenizer.special_tokens_map == {
        "bos_token": "[CLS]",
        "eos_token": "[SEP]",
        "unk_token": "<unk>",
        "sep_token": "[SEP]",
        "pad_token": "<pad>",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }
    tokenizer.mask_token = None
    assert tokenizer.mask_token is None
    assert tokenizer.mask_token_id is None
    tokenizer.mask_token = "▁the"
    assert tokenizer.mask_token_id == 14


def test_special_tokens_that_are_missing_are_added(kind):
    tokenizer = kind(DEMO / "spiece.model", mask_token="<mask>")
    assert tokenizer.mask_token_id == 8192
    assert tokenizer.tokenize("a <mask>") == ["▁a", "<mask>"]


def test_role_outside_the_vocabulary(tokenizer):
    with pytest.raises(ValueError) as error:
        tokenizer.pad_token = "[PAD]"
    assert str(error.value) == (
        "pad_token '[PAD]' is not in the vocabulary: use "
        "add_special_tokens({'pad_token': '[PAD]'})."
    )


def test_no_such_role(tokenizer):
    with pytest.raises(ValueError) as error:
        tokenizer.add_special_tokens({"end_token": "x"})
    assert str(error.value) == (
        "special_tokens_dict has no role 'end_token': the roles are bos_token, "
        "eos_token, unk_token, sep_token, pad_token, cls_token, mask_token and "
        "additional_special_tokens."
    )


@pytest.mark.parametrize("index", [-1, 8192])
def test_ids_outside(tokenizer, index):
    with pytest.raises(IndexError) as error:
        tokenizer.decode([index])
    assert str(error.value) == (
        f"id {index} is outside the vocabulary, whose ids are 0 to 8191."
    )


def test_a_batch_is_not_decoded(tokenizer):
    with pytest.raises(TypeError) as error:
        tokenizer.decode([[2, 3]])
    assert str(error.value) == (
        "ids must be whole numbers, got list: use batch_decode() for a batch."
    )


def test_unknown_without_an_unknown_token(tokenizer):
    tokenizer.unk_token = None
    with pytest.raises(KeyError) as error:
        tokenizer.convert_tokens_to_ids("no such")
    assert error.value.args == ("'no such' is no token, and there is no unk_token.",)


def test_additional_tokens_must_be_a_list(kind):
    with pytest.raises(TypeError) as error:
        kind.from_pretrained(DEMO, additional_special_tokens="<a>")
    assert str(error.value) == (
        "additional_special_tokens must be a list of tokens, got str: put the token "
        "in a list."
    )


def test_additional_tokens_by_name(kind):
    tokenizer = kind(DEMO / "spiece.model", extra_special_tokens={"image": "<i>"})
    assert tokenizer.additional_special_tokens == ["<i>"]


def test_wrong_limit(kind):
    with pytest.raises(ValueError) as error:
        kind.from_pretrained(DEMO, model_max_length=0)
    assert str(error.value) == "model_max_length must be at least 1, got 0."
