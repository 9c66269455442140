"""A vocabulary of one's own, with ALBERT's settings."""

# ruff: noqa: RUF001

import random

import pytest
from hypothesis import given, settings

from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast
from albert.common.tokenization.proto import (
    CONTROL,
    NORMAL,
    UNKNOWN,
    USER_DEFINED,
    parse_model,
)
from albert.common.tokenization.training import (
    VocabularySettings,
    _pieces_of,
    train_tokenizer,
)
from albert.common.wire import fields
from tests.common.data.corpus import document

from .hostile import TEXTS

SMALL = VocabularySettings(vocab_size=80, threads=1, model_max_length=64)
OTHERS = ['In 2001, "it" was (nearly) 3,000 – £5 or €6-7.', "Éclair naïve Ünder"] * 9
LINES = [*"\n".join(map(document, range(40))).split("\n"), *OTHERS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vocabulary")
    train_tokenizer(LINES, folder, SMALL)
    return folder


@pytest.fixture(scope="module")
def pair(folder):
    kinds = (AlbertTokenizer, AlbertTokenizerFast)
    return tuple(kind.from_pretrained(folder) for kind in kinds)


def test_the_vocabulary_is_laid_out_as_googles(folder, pair):
    model = parse_model((folder / "spiece.model").read_bytes())
    assert len(model.pieces) == len(pair[0]) == len(pair[1]) == 80
    assert list(model.pieces[:13]) == [
        "<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]",
        "(", ")", '"', "-", ".", "–", "£", "€",
    ]  # fmt: skip
    assert model.kinds[:5] == (CONTROL, UNKNOWN, CONTROL, CONTROL, CONTROL)
    assert model.kinds[5:13] == (USER_DEFINED,) * 8
    assert set(model.kinds[13:]) == {NORMAL}
    assert model.add_dummy_prefix
    assert model.remove_extra_whitespaces
    demo = AlbertTokenizer.from_pretrained("albert-demo").__getstate__()["saved"]
    assert model.charsmap == parse_model(demo.proto).charsmap
    assert not any("É" in piece or "é" in piece for piece in model.pieces)
    assert pair[0].model_max_length == 64


def test_all_files_are_there(folder):
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        "special_tokens_map.json", "spiece.model", "tokenizer.json",
        "tokenizer_config.json",
    ]  # fmt: skip


@settings(derandomize=True, deadline=None, database=None, max_examples=150)
@given(text=TEXTS)
def test_both_classes_give_the_same_ids(pair, text):
    first, second = (tokenizer(text, verbose=False)["input_ids"] for tokenizer in pair)
    assert first == second


def test_tokenizer_json_alone_has_the_same_vocabulary(folder, pair, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    alone = AlbertTokenizerFast.from_pretrained(tmp_path)
    text = "The cell, (in 2001,) grows – naïvely."
    assert alone.encode(text) == pair[0].encode(text)


def test_cased_with_accents(tmp_path):
    chosen = VocabularySettings(
        vocab_size=90, threads=1, do_lower_case=False, keep_accents=True
    )
    tokenizer = train_tokenizer(LINES, tmp_path, chosen)
    assert tokenizer.decode(tokenizer.encode("Éclair Ünder")[1:-1]) == "Éclair Ünder"
    again = AlbertTokenizerFast.from_pretrained(tmp_path)
    assert not again.do_lower_case
    assert again.keep_accents
    assert again.encode("Éclair Ünder") == tokenizer.encode("Éclair Ünder")


def test_the_same_text_gives_the_same_bytes(folder, tmp_path):
    train_tokenizer(iter(LINES), tmp_path, SMALL)
    model = (folder / "spiece.model").read_bytes()
    assert (tmp_path / "spiece.model").read_bytes() == model
    # Neither a path of the corpus nor one of the model is recorded.
    (trainer,) = [value for number, value in fields(model) if number == 2]
    assert not {1, 2} & {number for number, _ in fields(trainer)}


def test_long_lines_are_cut_and_not_left_out():
    chosen = random.Random(0)
    for glue in (" ", ""):
        words = ["é" * chosen.randint(1, 9) for _ in range(3000)]
        parts = list(_pieces_of(glue.join(words)))
        assert all(0 < len(part.encode()) <= 4192 for part in parts)
        assert glue.join(parts) == glue.join(words)
    assert list(_pieces_of("")) == []


@pytest.mark.parametrize("texts", [[], ["", " \n"]])
def test_no_text(texts, tmp_path):
    with pytest.raises(ValueError) as caught:
        train_tokenizer(texts, tmp_path / "x", SMALL)
    assert str(caught.value) == "there is no text to make a vocabulary of."
    assert not (tmp_path / "x").exists()


def refused(texts, tmp_path, **chosen):
    with pytest.raises(ValueError) as caught:
        train_tokenizer(texts, tmp_path / "x", VocabularySettings(threads=1, **chosen))
    assert not (tmp_path / "x").exists()
    return str(caught.value)


def test_sizes_that_the_text_does_not_support(tmp_path):
    assert refused(["a b"], tmp_path, vocab_size=100) == (
        "vocab_size 100 is more than the text supports: give at most 16, or more text."
    )
    assert refused(LINES, tmp_path, vocab_size=20) == (
        "vocab_size 20 is less than the text's characters need: give more than 45, or "
        "a lower character_coverage."
    )
    text = refused(["\x00\x01"], tmp_path, vocab_size=100)
    assert text.startswith("vocab_size 100 is more than the text supports: ")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (
            "vocab_size",
            13,
            (
                "must be above 13, the number of special and user-defined pieces, but "
                "is 13."
            ),
        ),
        ("character_coverage", 0.5, "must be 0.9 to 1, but is 0.5."),
        ("threads", 0, "must be at least 1, but is 0."),
        ("input_sentence_size", 0, "must be at least 1, but is 0."),
        ("model_max_length", 0, "must be at least 1, but is 0."),
    ],
)
def test_settings_out_of_range(name, value, text):
    with pytest.raises(ValueError) as caught:
        VocabularySettings(**{name: value})
    assert str(caught.value) == f"{name} {text}"


def test_what_sentencepiece_says_otherwise(tmp_path, monkeypatch):
    import sentencepiece

    def fail(**_):
        raise RuntimeError("Internal: something")

    monkeypatch.setattr(sentencepiece.SentencePieceTrainer, "train", fail)
    assert refused(["a"], tmp_path, vocab_size=100) == (
        "SentencePiece cannot make a vocabulary of the text: Internal: something"
    )
