import json
import pickle

import pytest

from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast
from albert.common.tokenization.wordpiece import read_vocab

WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "你", "好", "the", "un", "##fold"),
    *("##ing", "cafe", "café", "The", ".", "[", "]"),
]


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "chinese"
    path.mkdir()
    (path / "vocab.txt").write_text("\n".join(WORDS) + "\n", "utf-8")
    return path


def test_chinese(folder):
    tokenizer = AlbertTokenizerFast.from_pretrained(folder)
    found = tokenizer("你好 unfolding.", "The café", return_offsets_mapping=True)
    assert found.tokens() == [
        *("[CLS]", "你", "好", "un", "##fold", "##ing", ".", "[SEP]"),
        *("the", "cafe", "[SEP]"),
    ]
    assert found["token_type_ids"] == [0] * 8 + [1] * 3
    assert found["offset_mapping"][1:7] == [
        *((0, 1), (1, 2), (3, 5), (5, 9), (9, 12), (12, 13))
    ]
    assert found.word_ids()[1:7] == [0, 1, 2, 2, 2, 3]
    assert tokenizer.decode(found["input_ids"], skip_special_tokens=True) == (
        "你 好 unfolding . the cafe"
    )
    assert tokenizer.pad_token_id == 0
    assert tokenizer.unk_token_id == 1
    assert tokenizer.encode("好 zzz [MASK]") == [2, 6, 1, 4, 3]
    padded = tokenizer(["你", "你好"], padding=True)["input_ids"]
    assert padded[0] == [2, 5, 3, 0]


def test_settings(folder):
    cased = AlbertTokenizerFast.from_pretrained(folder, do_lower_case=False)
    assert cased.tokenize("The café") == ["The", "café"]
    stripped = AlbertTokenizerFast(
        folder / "vocab.txt", do_lower_case=False, strip_accents=True
    )
    assert stripped.tokenize("The café") == ["The", "cafe"]
    whole = AlbertTokenizerFast.from_pretrained(folder, tokenize_chinese_chars=False)
    assert whole.tokenize("你好") == ["[UNK]"]


def test_save_load_and_pickle(folder, tmp_path):
    tokenizer = AlbertTokenizerFast.from_pretrained(folder, do_lower_case=False)
    tokenizer.add_tokens("<x>")
    paths = tokenizer.save_pretrained(tmp_path / "saved")
    assert (tmp_path / "saved" / "vocab.txt").read_text("utf-8").split("\n")[
        :-1
    ] == WORDS
    assert len(paths) == 5
    text = "The café <x> 你"
    again = AlbertTokenizerFast.from_pretrained(tmp_path / "saved")
    assert again(text) == tokenizer(text) == pickle.loads(pickle.dumps(tokenizer))(text)
    lower = AlbertTokenizerFast.from_pretrained(tmp_path / "saved", do_lower_case=True)
    assert lower.tokenize("The café") == ["the", "cafe"]
    config = json.loads((tmp_path / "saved" / "tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == "BertTokenizer"
    (tmp_path / "saved" / "vocab.txt").unlink()
    assert AlbertTokenizerFast.from_pretrained(tmp_path / "saved")(text) == again(text)


def test_tokenizer_json_without_bert_normalizer(folder, tmp_path):
    AlbertTokenizerFast.from_pretrained(folder).save_pretrained(tmp_path)
    path = tmp_path / "tokenizer.json"
    data = json.loads(path.read_text("utf-8"))
    data["normalizer"] = None
    path.write_text(json.dumps(data), "utf-8")
    tokenizer = AlbertTokenizerFast(tokenizer_file=path)
    assert tokenizer.tokenize("The café") == ["The", "café"]


def test_the_slow_class_refuses(folder, tmp_path):
    AlbertTokenizerFast.from_pretrained(folder).save_pretrained(tmp_path)
    calls = (
        lambda: AlbertTokenizer.from_pretrained(folder),
        lambda: AlbertTokenizer(folder / "vocab.txt"),
        lambda: AlbertTokenizer(tokenizer_file=tmp_path / "tokenizer.json"),
    )
    for call in calls:
        with pytest.raises(ValueError) as error:
            call()
        assert str(error.value) == (
            "the vocabulary is WordPiece (vocab.txt), and AlbertTokenizer cuts with "
            "sentencepiece: use AlbertTokenizerFast."
        )


def test_unknown_token_must_be_in_the_vocabulary(folder):
    with pytest.raises(ValueError) as error:
        AlbertTokenizerFast.from_pretrained(folder, unk_token="<none>")
    assert str(error.value) == (
        "unk_token '<none>' is not in vocab.txt: add it there, or give the token that "
        "the vocabulary has for unknown words as unk_token."
    )


def test_vocab_that_is_empty_or_repeats():
    assert read_vocab("a\r\n \nb\n\n") == ["a", " ", "b"]
    with pytest.raises(ValueError) as error:
        read_vocab("\n\n", "v.txt")
    assert str(error.value) == "v.txt is empty; it must hold one token a line."
    with pytest.raises(ValueError) as error:
        read_vocab("a\nb\na\n", "v.txt")
    assert str(error.value) == "v.txt holds the token 'a' twice."
