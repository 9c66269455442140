import json
import shutil
import sys

import pytest

from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast
from albert.common.tokenization.proto import (
    NORMAL,
    SpmModel,
    parse_model,
    serialize_model,
)

from .conftest import CLASSES
from .rules import DEMO

TEXTS = ["Hello [MASK], it's 3.0, naïve.", "हिन्दी 각", "x  ``y''"]


@pytest.fixture
def saved(tmp_path):
    folder = tmp_path / "saved"
    AlbertTokenizer.from_pretrained(DEMO, keep_accents=True).save_pretrained(folder)
    return folder


def _only(folder, *names):
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()
    return folder


@pytest.mark.parametrize(
    "names",
    [("spiece.model",), ("tokenizer.json",), ("spiece.model", "tokenizer.json")],
)
def test_each_file_alone_loads(kind, tmp_path, names):
    AlbertTokenizer.from_pretrained(DEMO).save_pretrained(tmp_path)
    tokenizer = kind.from_pretrained(_only(tmp_path, *names))
    whole = kind.from_pretrained(DEMO)
    for text in TEXTS:
        assert tokenizer(text) == whole(text)
    assert tokenizer.special_tokens_map == whole.special_tokens_map
    assert len(tokenizer) == 8192


def test_single_files(kind, saved):
    whole = kind.from_pretrained(saved)
    by_vocab = kind(saved / "spiece.model", keep_accents=True)
    by_json = kind(tokenizer_file=saved / "tokenizer.json")
    both = kind(saved / "spiece.model", str(saved / "tokenizer.json"))
    for tokenizer in (by_vocab, by_json, both):
        assert tokenizer.keep_accents
        assert [tokenizer(text) for text in TEXTS] == [whole(text) for text in TEXTS]


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("accents", [True, False])
def test_settings_are_read_out_of_tokenizer_json(kind, tmp_path, lower, accents):
    first = kind.from_pretrained(DEMO, do_lower_case=lower, keep_accents=accents)
    first.save_pretrained(tmp_path)
    again = kind.from_pretrained(_only(tmp_path, "tokenizer.json"))
    assert (again.do_lower_case, again.keep_accents) == (lower, accents)


def test_what_is_given_goes_before_the_files(kind, saved):
    assert kind.from_pretrained(saved).keep_accents
    assert not kind.from_pretrained(saved, keep_accents=False).keep_accents
    assert kind.from_pretrained(saved, model_max_length=9).model_max_length == 9


def test_hub_made_tokenizer_json(kind, saved):
    """transformers lists user-defined pieces among the added tokens, and no flags."""
    path = saved / "tokenizer.json"
    data = json.loads(path.read_text("utf-8"))
    names = [entry[0] for entry in data["model"]["vocab"]]
    flags = {"single_word": False, "lstrip": False, "rstrip": False}
    data["added_tokens"] = [
        {
            "id": index,
            "content": names[index],
            **flags,
            "normalized": False,
            "special": index < 5,
        }
        for index in range(13)
    ]
    del data["model"]["type"]
    path.write_text(json.dumps(data), "utf-8")
    (saved / "tokenizer_config.json").write_text(
        json.dumps({"extra_special_tokens": names[:13], "keep_accents": True})
    )
    for names_kept in (["spiece.model"], []):
        kept = (*names_kept, "tokenizer.json", "tokenizer_config.json")
        tokenizer = kind.from_pretrained(_only(saved, *kept))
        assert tokenizer.tokenize("3.0 \"it's") == [
            *("▁3", ".", "0", "▁", '"', "it", "'", "s")
        ]
        assert set(tokenizer.get_added_vocab().values()) == set(range(5))
        assert tokenizer.all_special_tokens[:2] == ["[CLS]", "[SEP]"]


def test_special_tokens_map_and_added_tokens(kind, tmp_path):
    shutil.copy(DEMO / "spiece.model", tmp_path)
    mask = {"content": "<m>", "lstrip": True, "rstrip": True}
    (tmp_path / "special_tokens_map.json").write_text(
        json.dumps({"mask_token": mask, "additional_special_tokens": ["<x>"]})
    )
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"mask_token": "<m>", "do_lower_case": False, "unheard_of": 1})
    )
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<m>": 8192, "<x>": 8193}))
    tokenizer = kind.from_pretrained(tmp_path)
    assert tokenizer.mask_token_id == 8192
    assert tokenizer.added_tokens_decoder[8192].rstrip
    assert tokenizer.additional_special_tokens == ["<x>"]
    assert not tokenizer.do_lower_case


def _message(error):
    return str(error.value)


@pytest.mark.parametrize(
    "place",
    ["30k-clean.model", "assets/30k-clean.model", "assets/tokenizer/vocabulary.spm"],
)
def test_vocabulary_where_other_tools_keep_it(kind, place, tmp_path):
    demo = kind.from_pretrained("albert-demo")
    demo.save_pretrained(tmp_path / "saved")
    path = tmp_path / "other" / place
    path.parent.mkdir(parents=True)
    path.write_bytes((tmp_path / "saved" / "spiece.model").read_bytes())
    # what marks a SavedModel, and KerasHub's settings, which are no vocabulary
    (tmp_path / "other" / "saved_model.pb").write_bytes(b"")
    (tmp_path / "other" / "tokenizer.json").write_text('{"module": "keras_hub"}')
    found = kind.from_pretrained(tmp_path / "other")
    assert (
        found("She sold 3.0 shells").input_ids == demo("She sold 3.0 shells").input_ids
    )


def test_no_vocabulary(kind, tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        kind.from_pretrained(tmp_path)
    assert _message(error) == (
        f"{str(tmp_path)!r} holds no vocabulary: it must have spiece.model, "
        f"tokenizer.json or vocab.txt, or one of 30k-clean.model, "
        f"assets/30k-clean.model, assets/tokenizer/vocabulary.spm, vocab_chinese.txt."
    )


def test_no_file_given(kind):
    with pytest.raises(ValueError) as error:
        kind()
    assert _message(error) == (
        "a tokenizer needs vocab_file= (a spiece.model, or a vocab.txt) or "
        "tokenizer_file= (a tokenizer.json); for a folder use from_pretrained()."
    )


@pytest.mark.parametrize("argument", ["vocab_file", "tokenizer_file"])
def test_file_that_is_not_there(kind, tmp_path, argument):
    path = tmp_path / "none"
    with pytest.raises(FileNotFoundError) as error:
        kind(**{argument: path})
    assert _message(error) == f"{argument} {str(path)!r} is no file."


def test_files_of_different_checkpoints(kind, saved):
    small = SpmModel(("<unk>", "▁", "a"), (0.0, -1.0, -2.0), (2, NORMAL, NORMAL))
    (saved / "spiece.model").write_bytes(serialize_model(small))
    with pytest.raises(ValueError) as error:
        kind.from_pretrained(saved)
    assert _message(error) == (
        f"{str(saved / 'tokenizer.json')!r} holds another vocabulary than the "
        f"vocabulary file beside it: remove the one that does not belong to the "
        f"checkpoint."
    )


def test_no_such_setting(kind):
    with pytest.raises(TypeError) as error:
        kind.from_pretrained(DEMO, lower_case=True)
    assert _message(error) == (
        f"{kind.__name__} has no argument 'lower_case'; its settings are "
        f"do_lower_case, remove_space, keep_accents, model_max_length, padding_side, "
        f"truncation_side, clean_up_tokenization_spaces, sp_model_kwargs, "
        f"tokenize_chinese_chars, strip_accents, bos_token, eos_token, unk_token, "
        f"sep_token, pad_token, cls_token, mask_token, additional_special_tokens, "
        f"extra_special_tokens."
    )


def test_settings_that_are_no_json(kind, saved):
    path = saved / "tokenizer_config.json"
    path.write_text("{")
    with pytest.raises(ValueError) as error:
        kind.from_pretrained(saved)
    assert _message(error) == (
        f"{str(path)!r} is no JSON: Expecting property name enclosed in double "
        f"quotes: line 1 column 2 (char 1)."
    )
    path.write_text("[]")
    with pytest.raises(ValueError) as error:
        kind.from_pretrained(saved)
    assert _message(error) == f"{str(path)!r} must hold a JSON object."


def test_added_token_with_another_id(kind, saved):
    (saved / "added_tokens.json").write_text(json.dumps({"<x>": 8195}))
    with pytest.raises(ValueError) as error:
        kind.from_pretrained(saved)
    assert _message(error) == (
        "the added token '<x>' has the id 8195 in the files, and the vocabulary "
        "leaves it 8192: the files belong to different vocabularies."
    )


def test_vocabulary_larger_than_the_model(kind, saved):
    (saved / "config.json").write_text('{"vocab_size": 8191}')
    with pytest.raises(ValueError) as error:
        kind.from_pretrained(saved)
    assert _message(error) == (
        f"the tokenizer has 8192 ids, and the model in {str(saved)!r} has 8191 "
        f"(vocab_size in config.json): the greater ids have no embedding. Use the "
        f"vocabulary the model was trained with, or enlarge its embedding and "
        f"vocab_size."
    )
    (saved / "config.json").write_text('{"vocab_size": 8200}')
    assert len(kind.from_pretrained(saved)) == 8192
    (saved / "config.json").write_text("[]")
    with pytest.raises(ValueError) as error:
        kind.from_pretrained(saved)
    assert _message(error) == f"{str(saved / 'config.json')!r} is no JSON object."


@pytest.mark.parametrize("text", ["{", "[]", '{"model": null}', "{}"])
def test_what_is_no_tokenizer_json(kind, tmp_path, text):
    path = tmp_path / "tokenizer.json"
    path.write_text(text)
    with pytest.raises(ValueError) as error:
        kind.from_pretrained(tmp_path)
    assert _message(error) == (
        f"{path} is no tokenizer file: it must be JSON with a 'model', as the "
        f"tokenizers library writes it."
    )


@pytest.mark.parametrize("model", ['{"type": "BPE"}', '{"vocab": {}, "merges": []}'])
def test_tokenizer_json_of_another_kind(kind, tmp_path, model):
    path = tmp_path / "tokenizer.json"
    path.write_text(f'{{"model": {model}}}')
    with pytest.raises(ValueError) as error:
        kind.from_pretrained(tmp_path)
    name = "BPE" if "BPE" in model else "unknown"
    assert _message(error) == (
        f"{path} holds a {name} model; ALBERT's tokenizers are Unigram "
        f"(sentencepiece) or WordPiece (vocab.txt)."
    )


def test_sentencepiece_is_not_there(monkeypatch):
    tokenizer = AlbertTokenizer.from_pretrained(DEMO)
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(ImportError) as error:
        tokenizer("a")
    assert _message(error) == (
        "this needs the sentencepiece library: pip install sentencepiece"
    )
    assert AlbertTokenizerFast.from_pretrained(DEMO)("the é")["input_ids"][1] == 14


def test_further_arguments_of_sentencepiece(tmp_path):
    slow = AlbertTokenizer(
        DEMO / "spiece.model",
        sp_model_kwargs={"enable_sampling": True, "nbest_size": -1, "alpha": 0.1},
    )
    found = {tuple(slow.encode("unbelievable")) for _ in range(40)}
    assert len(found) > 1
    slow.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert config["sp_model_kwargs"]["alpha"] == 0.1


def test_models_with_other_flags(tmp_path):
    """What tokenizer.json cannot say is not written into one, and both still agree."""
    model = parse_model((DEMO / "spiece.model").read_bytes())
    bare = SpmModel(
        model.pieces, model.scores, model.kinds, model.charsmap, False, False
    )
    (tmp_path / "spiece.model").write_bytes(serialize_model(bare))
    slow, fast = (kind.from_pretrained(tmp_path) for kind in CLASSES)
    for text in [*TEXTS, "the the", "[MASK]the"]:
        assert slow(text) == fast(text)
    written = fast.save_pretrained(tmp_path / "again")
    assert not any("tokenizer.json" in path for path in written)
    again = AlbertTokenizerFast.from_pretrained(tmp_path / "again")
    assert again(TEXTS) == fast(TEXTS)
