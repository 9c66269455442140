import errno
import json
import os
import pickle
import shutil
import subprocess
import sys

import pytest
import tokenizers

from albert.common.tokenization import (
    AddedToken,
    AlbertTokenizer,
    AlbertTokenizerFast,
    saving,
)

from .conftest import CLASSES
from .rules import DEMO

TEXT = "Hello [MASK], naïve 3.0, <x> it's"


def _changed(kind):
    tokenizer = kind.from_pretrained(
        DEMO,
        keep_accents=True,
        do_lower_case=False,
        remove_space=True,
        model_max_length=512,
        padding_side="left",
        truncation_side="left",
        clean_up_tokenization_spaces=True,
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<x>"]})
    tokenizer.add_tokens([AddedToken("naïve", rstrip=True)])
    tokenizer.mask_token = "[SEP]"
    return tokenizer


def _same(one, other):
    assert one(TEXT) == other(TEXT)
    assert len(one) == len(other)
    assert one.special_tokens_map == other.special_tokens_map
    assert one.added_tokens_decoder == other.added_tokens_decoder
    names = (
        *("keep_accents", "do_lower_case", "remove_space", "model_max_length"),
        *("padding_side", "truncation_side", "clean_up_tokenization_spaces"),
    )
    for name in names:
        assert getattr(one, name) == getattr(other, name), name


@pytest.mark.parametrize("loader", CLASSES)
def test_all_settings_come_back(kind, loader, tmp_path):
    tokenizer = _changed(kind)
    paths = tokenizer.save_pretrained(tmp_path / "new" / "folder")
    assert [os.path.basename(path) for path in paths] == [
        "spiece.model",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
    ]
    assert all(os.path.isfile(path) for path in paths)
    again = loader.from_pretrained(tmp_path / "new" / "folder")
    _same(tokenizer, again)
    assert again.save_pretrained(tmp_path / "b")
    for path in paths:
        with (
            open(path, "rb") as one,
            open(tmp_path / "b" / os.path.basename(path), "rb") as two,
        ):
            assert one.read() == two.read(), path


def test_plain_files(kind, tmp_path):
    paths = kind.from_pretrained(DEMO).save_pretrained(tmp_path, "my")
    assert [os.path.basename(path) for path in paths] == [
        "my-spiece.model",
        "my-tokenizer.json",
        "my-tokenizer_config.json",
        "my-special_tokens_map.json",
    ]
    assert (tmp_path / "my-spiece.model").read_bytes() == (
        DEMO / "spiece.model"
    ).read_bytes()
    config = json.loads((tmp_path / "my-tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == "AlbertTokenizer"
    assert config["keep_accents"] is False


def test_save_vocabulary(kind, tmp_path):
    tokenizer = kind.from_pretrained(DEMO)
    (path,) = tokenizer.save_vocabulary(tmp_path, filename_prefix="p")
    assert path == str(tmp_path / "p-spiece.model")
    assert kind(path)(TEXT) == tokenizer(TEXT)


def test_folder_that_is_a_file(kind, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        kind.from_pretrained(DEMO).save_pretrained(tmp_path / "file")


def test_pickle_in_the_same_process(kind):
    tokenizer = _changed(kind)
    again = pickle.loads(pickle.dumps(tokenizer))
    _same(tokenizer, again)
    again.add_tokens("qmore")
    assert len(again) == len(tokenizer) + 1


def test_pickle_without_the_folder(kind, tmp_path):
    folder = tmp_path / "gone"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    tokenizer = kind.from_pretrained(folder)
    data = tmp_path / "tokenizer.pickle"
    data.write_bytes(pickle.dumps(tokenizer))
    shutil.rmtree(folder)
    program = (
        "import pickle, sys; tokenizer = pickle.load(open(sys.argv[1], 'rb')); "
        "print(tokenizer(sys.argv[2])['input_ids'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(data), TEXT],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == tokenizer(TEXT)["input_ids"]


def test_stock_tools_read_the_tokenizer_json(tmp_path):
    fast = AlbertTokenizerFast.from_pretrained(DEMO)
    fast.save_pretrained(tmp_path)
    stock = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    texts = [
        *("The old man.", "3.0, and 1,000,", "\"it's ``x''", "a  ", "a [MASK]."),
        *("Plants create [MASK] through", "naïve CAFÉ", "(2001, 99,)", ""),
    ]
    for text in texts:
        assert stock.encode(text).ids == fast.encode(text), text
    pair = stock.encode("The man", "the sea")
    assert pair.ids == fast.encode("The man", "the sea")
    assert pair.type_ids == fast("The man", "the sea")["token_type_ids"]
    assert stock.decode(pair.ids) == "the man the sea"


def test_imports_are_light():
    program = (
        "import sys; import albert.common.tokenization as t; t.AlbertTokenizerFast; "
        "t.AlbertTokenizer; print([m for m in ('torch', 'tensorflow', 'jax', 'keras', "
        "'numpy', 'sentencepiece', 'tokenizers') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_names_of_the_package():
    import albert.common.tokenization as package

    assert set(dir(package)) == set(package.__all__)
    assert package.AlbertTokenizer is AlbertTokenizer
    with pytest.raises(AttributeError) as error:
        package.nothing  # noqa: B018
    assert str(error.value) == (
        "module 'albert.common.tokenization' has no attribute 'nothing'"
    )


def test_files_take_their_places_together(kind, tmp_path, monkeypatch):
    _changed(kind).save_pretrained(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_text = saving.write_text

    def fail(path, text):
        if path.name == "special_tokens_map.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        write_text(path, text)

    monkeypatch.setattr(saving, "write_text", fail)
    with pytest.raises(OSError) as caught:
        kind.from_pretrained(DEMO).save_pretrained(tmp_path)
    assert caught.value.errno == errno.ENOSPC
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_files_of_another_tokenizer_are_removed(kind, tmp_path):
    _changed(kind).save_pretrained(tmp_path)
    for name in ("vocab.txt", "other.txt", "p-added_tokens.json"):
        (tmp_path / name).write_text("")
    tokenizer = kind.from_pretrained(DEMO)
    paths = tokenizer.save_pretrained(tmp_path)
    names = {os.path.basename(path) for path in paths}
    assert set(os.listdir(tmp_path)) == names | {"other.txt", "p-added_tokens.json"}
    _same(tokenizer, kind.from_pretrained(tmp_path))


def test_folder_that_is_a_link(kind, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(NotADirectoryError, match="is a symbolic link"):
        kind.from_pretrained(DEMO).save_pretrained(tmp_path / "link")
    assert os.listdir(tmp_path / "real") == []
