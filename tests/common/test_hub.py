"""From a name to local files, with the hub's real client and a loopback hub."""

import json
import logging
import socket
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import albert
from albert.common.config import AlbertConfig
from albert.common.hub import DEMO_NAME, Location, find_files
from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast

from .hub_server import BAD_TOKEN, GOOD_TOKEN, real_client

ASSETS = Path(albert.__file__).parent / "assets"
DEMO = {path.name: path.read_bytes() for path in (ASSETS / DEMO_NAME).iterdir()}
NAME = "owner/name"
OFFLINE = (
    f"'{NAME}' is no folder on this machine, and its revision 'main' is not in the "
    "cache: connect once without HF_HUB_OFFLINE and local_files_only, or give a folder."
)


def _failure(kind, call, *arguments, **settings):
    """Give an error's text; it must be one line that shows no token."""
    with pytest.raises(kind) as caught:
        call(*arguments, **settings)
    text = str(caught.value)
    assert type(caught.value).__module__ in ("builtins", "albert.common.hub_errors")
    assert "\n" not in text
    shown = "".join(traceback.format_exception(caught.value))
    assert "During handling" not in shown
    assert "direct cause" not in shown
    for token in (GOOD_TOKEN, BAD_TOKEN):
        assert token not in shown
    return text


def _hidden_size(size):
    return json.dumps({**json.loads(DEMO["config.json"]), "hidden_size": size}).encode()


def _block(monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise SystemError("the network was used")

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture
def no_sockets(monkeypatch):
    """Let any use of the network fail in a way that no code catches."""
    _block(monkeypatch)


# Folders.


@pytest.mark.parametrize("kind", [str, Path])
def test_folder(tmp_path, kind, no_sockets):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "a" / "b").mkdir(parents=True)
    files = find_files(kind(tmp_path))
    assert files.names == ("config.json",)
    assert files.label == repr(str(tmp_path))
    assert files.fetch(["config.json"]) == tmp_path


def test_home_is_expanded(tmp_path, monkeypatch, no_sockets):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "x").touch()
    assert find_files("~/model").fetch(["x"]) == tmp_path / "model"


def test_demo(tmp_path, monkeypatch, no_sockets):
    monkeypatch.chdir(tmp_path)
    assert DEMO_NAME == "albert-demo"
    files = find_files("albert-demo")
    assert {"config.json", "model.safetensors", "spiece.model"} <= set(files.names)
    assert files.fetch(["config.json"]) == ASSETS / "albert-demo"


def test_users_folder_comes_before_the_demo(tmp_path, monkeypatch, no_sockets):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "albert-demo").mkdir()
    assert find_files("albert-demo").names == ()


def test_users_folder_comes_before_the_hub(hub, tmp_path, monkeypatch):
    hub.add(NAME, DEMO)
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).mkdir(parents=True)
    (tmp_path / NAME / "config.json").write_bytes(_hidden_size(48))
    assert AlbertConfig.from_pretrained(NAME).hidden_size == 48
    assert not hub.requests


def test_subfolder_of_a_folder(tmp_path, no_sockets):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "config.json").write_bytes(_hidden_size(48))
    assert AlbertConfig.from_pretrained(tmp_path, subfolder="a/b").hidden_size == 48
    text = _failure(FileNotFoundError, find_files, tmp_path, Location(subfolder="c"))
    assert text == f"{str(tmp_path)!r} has no folder 'c'."


def test_folder_without_what_is_needed(tmp_path, no_sockets):
    (tmp_path / "notes.txt").touch()
    files = find_files(tmp_path)
    text = _failure(FileNotFoundError, files.fetch, ["config.json"])
    assert text == f"{str(tmp_path)!r} holds no 'config.json'."
    text = _failure(FileNotFoundError, files.fetch, [])
    assert text == f"{str(tmp_path)!r} holds none of the files needed."


def test_file(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"")
    text = _failure(NotADirectoryError, find_files, path)
    assert text == (
        f"{str(path)!r} is a file; give the path of the folder that holds it."
    )


@pytest.mark.parametrize("name", ["./none", "../none", "/none", "~/none", "a/b/c"])
def test_no_such_folder(name, no_sockets):
    text = _failure(FileNotFoundError, find_files, name)
    assert text == (
        f"{name!r} is no folder on this machine; give the path of a folder, a "
        f"repository on the hub as 'owner/name', or 'albert-demo'."
    )
    assert _failure(FileNotFoundError, find_files, Path("owner/name"))


@pytest.mark.parametrize("name", ["my model", "owner/-name", "a--b", "owner/n.git"])
def test_neither_folder_nor_repository(name, no_sockets):
    text = _failure(ValueError, find_files, name)
    assert text == (
        f"{name!r} is neither a folder on this machine nor a name that a repository "
        f"on the hub can have, such as 'owner/name'."
    )


def test_the_client_is_imported_only_when_it_is_needed(tmp_path):
    code = (
        "import sys, albert, albert.common.publishing\n"
        "from albert.common.config import AlbertConfig\n"
        "from albert.common.hub import find_files\n"
        "AlbertConfig.from_pretrained('albert-demo')\n"
        "print('huggingface_hub' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


# The arguments.


def test_take_leaves_the_rest():
    arguments = {"num_labels": 3, "revision": "dev", "token": False, "subfolder": None}
    location = Location.take(arguments)
    assert arguments == {"num_labels": 3}
    assert location == Location(revision="dev", token=False)
    assert Location.take({}) == Location()


def test_token_is_not_shown():
    assert GOOD_TOKEN not in repr(Location(token=GOOD_TOKEN))


@pytest.mark.parametrize(
    ("argument", "value", "text"),
    [
        ("revision", 3, "revision must be a string or None, but is of type int."),
        (
            "token",
            b"x",
            "token must be a string, True, False or None, but is of type bytes.",
        ),
        ("cache_dir", 3, "cache_dir must be a path or None, but is of type int."),
        (
            "local_files_only",
            1,
            "local_files_only must be True or False, but is of type int.",
        ),
        ("subfolder", 3, "subfolder must be a string, but is of type int."),
        (
            "force_download",
            "yes",
            "force_download must be True or False, but is of type str.",
        ),
    ],
)
def test_wrong_types(argument, value, text):
    assert _failure(TypeError, Location.take, {argument: value}) == text


@pytest.mark.parametrize("value", ["..", "a/../b", "/a", "~", "a\\b", "..\\b"])
def test_leading_outside(value):
    assert _failure(ValueError, Location, subfolder=value) == (
        f"subfolder must be a path inside the repository or folder, such as "
        f"'checkpoints/last', but is {value!r}."
    )
    assert _failure(ValueError, Location, revision=value) == (
        f"revision must be a branch, tag or commit, but is {value!r}."
    )


def test_impossible_arguments():
    token = f"{GOOD_TOKEN}\n"
    assert _failure(ValueError, Location, token=token) == (
        "token must be printable ASCII without white space."
    )
    both = {"force_download": True, "local_files_only": True}
    assert _failure(ValueError, Location, **both) == (
        "force_download and local_files_only exclude each other."
    )


# Downloads.


def test_only_what_is_needed_and_once(hub):
    weights = ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "vocab.txt")
    hub.add(NAME, {**DEMO, **dict.fromkeys(weights, b"never read")})
    assert AlbertConfig.from_pretrained(NAME).hidden_size == 192
    assert hub.downloads == ["config.json"]
    tokenizer = AlbertTokenizerFast.from_pretrained(NAME)
    assert tokenizer.vocab_size == 8192
    assert hub.downloads == ["config.json", "spiece.model", "tokenizer_config.json"]
    assert hub.listings == 2

    hub.requests.clear()
    AlbertTokenizer.from_pretrained(NAME)
    AlbertConfig.from_pretrained(NAME)
    assert hub.requests == [("GET", f"/api/models/{NAME}")] * 2


def test_fetch_takes_what_it_is_told(hub):
    hub.add(NAME, {"a": b"1", "b": b"2", "c": b"3", "folder/d": b"4"})
    files = find_files(NAME)
    assert files.label == f"'{NAME}'"
    assert files.names == ("a", "b", "c")
    assert not hub.downloads
    folder = files.fetch(["c", "a", "c"])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "a": b"1",
        "c": b"3",
    }
    assert hub.downloads == ["a", "c"]
    text = _failure(FileNotFoundError, files.fetch, ["a", "d"])
    assert text == f"'{NAME}' holds no 'd'."


def test_all_files_are_of_the_commit_that_was_listed(hub):
    hub.add(NAME, {"a": b"old", "b": b"old"})
    files = find_files(NAME)
    files.fetch(["a"])
    hub.repositories[NAME].commit({"a": b"new", "b": b"new"}, "main")
    assert (files.fetch(["a", "b"]) / "b").read_bytes() == b"old"
    assert (find_files(NAME).fetch(["b"]) / "b").read_bytes() == b"new"


def test_force_download(hub):
    hub.add(NAME, DEMO)
    for forced, number in ((False, 1), (False, 1), (True, 2)):
        AlbertConfig.from_pretrained(NAME, force_download=forced)
        assert len(hub.downloads) == number


def test_revisions(hub):
    first = hub.add(NAME, {"config.json": _hidden_size(48)})
    repository = hub.repositories[NAME]
    repository.refs["v1"] = first
    repository.commit({"config.json": _hidden_size(60)}, "dev")
    repository.refs["refs/pr/1"] = repository.refs["dev"]
    repository.commit({"config.json": _hidden_size(72)}, "main")
    sizes = {None: 72, "v1": 48, "dev": 60, first: 48, first[:10]: 48, "refs/pr/1": 60}
    for local in (False, True):
        for revision, size in sizes.items():
            config = AlbertConfig.from_pretrained(
                NAME, revision=revision, local_files_only=local
            )
            assert config.hidden_size == size


def test_subfolder(hub, tmp_path):
    hub.add(
        NAME, {"config.json": _hidden_size(48), "a/b/config.json": _hidden_size(60)}
    )
    for settings in ({}, {"local_files_only": True}):
        config = AlbertConfig.from_pretrained(NAME, subfolder="a/b", **settings)
        assert config.hidden_size == 60
    assert hub.downloads == ["a/b/config.json"]
    text = _failure(OSError, AlbertConfig.from_pretrained, NAME, subfolder="c")
    assert text == f"'{NAME}' has no files in a folder 'c' at revision 'main'."


def test_cache_dir(hub, tmp_path):
    hub.add(NAME, DEMO)
    for kind in (str, Path):
        folder = find_files(NAME, Location(cache_dir=kind(tmp_path / "mine")))
        assert (tmp_path / "mine") in folder.fetch(["config.json"]).parents
    assert len(hub.downloads) == 1
    assert not (tmp_path / "hf-home" / "hub").exists()


def test_renamed_repository(hub):
    hub.add("albert/albert-base-v2", DEMO)
    hub.renamed["albert-base-v2"] = "albert/albert-base-v2"
    assert AlbertConfig.from_pretrained("albert-base-v2").hidden_size == 192


def test_token_is_sent(hub, monkeypatch):
    hub.add(NAME, DEMO, private=True)
    AlbertConfig.from_pretrained(NAME, token=GOOD_TOKEN)
    assert set(hub.tokens) == {f"Bearer {GOOD_TOKEN}"}
    hub.tokens.clear()
    monkeypatch.setenv("HF_TOKEN", GOOD_TOKEN)
    AlbertConfig.from_pretrained(NAME, force_download=True)
    assert set(hub.tokens) == {f"Bearer {GOOD_TOKEN}"}
    _failure(OSError, AlbertConfig.from_pretrained, NAME, token=False)
    assert hub.tokens[-1] is None


def test_names_that_lead_out_of_the_cache(hub, tmp_path):
    bad = ("../evil", "../../../evil", "/evil", "a/../../evil", "..", "\\evil", "a//e")
    hub.add(NAME, {**dict.fromkeys(bad, b"evil"), "config.json": b"{}"})
    files = find_files(NAME)
    assert files.names == ("config.json",)
    for name in bad:
        _failure(FileNotFoundError, files.fetch, [name])
    files.fetch(["config.json"])
    assert not list(tmp_path.rglob("*evil*"))
    hub.repositories[NAME].refs["main"] = "../../evil"
    hub.repositories[NAME].commits["../../evil"] = {"config.json": b"{}"}
    text = _failure(OSError, find_files, NAME)
    assert text == f"the hub names no commit for '{NAME}', but '../../evil'."


# Without the network.


def test_offline_from_the_cache(hub, hub_offline, monkeypatch):
    hub.add(NAME, DEMO)
    AlbertTokenizer.from_pretrained(NAME)
    _block(monkeypatch)
    assert AlbertConfig.from_pretrained(NAME, local_files_only=True).hidden_size == 192
    with hub_offline():
        tokenizer = AlbertTokenizer.from_pretrained(NAME)
        assert tokenizer.vocab_size == 8192
        assert AlbertConfig.from_pretrained(NAME, revision="main").hidden_size == 192
        text = _failure(OSError, find_files("owner/name").fetch, ["pytorch_model.bin"])
    assert text == (
        f"'{NAME}', as far as it is in the cache (connect once without HF_HUB_OFFLINE "
        f"and local_files_only, or give a folder), holds no 'pytorch_model.bin'."
    )


def test_offline_from_folders(hub_offline, no_sockets, tmp_path):
    (tmp_path / "config.json").write_bytes(_hidden_size(48))
    with hub_offline():
        assert AlbertConfig.from_pretrained(tmp_path).hidden_size == 48
        assert AlbertTokenizer.from_pretrained("albert-demo").vocab_size == 8192


def test_sockets_are_blocked(hub, no_sockets):
    hub.add(NAME, DEMO)
    with pytest.raises(SystemError):
        find_files(NAME)


def test_no_network_and_a_cache(hub, tmp_path, caplog):
    hub.add(NAME, DEMO)
    AlbertTokenizer.from_pretrained(NAME)
    hub.answer_all = 503
    with caplog.at_level(logging.WARNING, "albert"):
        assert AlbertTokenizer.from_pretrained(NAME).vocab_size == 8192
    warning = (
        f"Using the cached files of '{NAME}', which may be old: the hub answered 503 "
        f"for '{NAME}': try again later, or give a folder. The hub says: error"
    )
    assert caplog.messages == [warning]
    caplog.clear()
    with _dead_hub(tmp_path):
        assert AlbertTokenizer.from_pretrained(NAME).vocab_size == 8192
        lacking = {"force_download": True}
        _failure(ConnectionError, AlbertConfig.from_pretrained, NAME, **lacking)
        text = _failure(OSError, find_files(NAME).fetch, ["pytorch_model.bin"])
    assert "the hub at http://127.0.0.1:9 cannot be reached" in caplog.text
    assert text == (
        f"'{NAME}', as far as it is in the cache (check the connection), holds no "
        f"'pytorch_model.bin'."
    )


def test_commit_that_is_in_the_cache_needs_no_network(hub, tmp_path, monkeypatch):
    commit = hub.add(NAME, {**DEMO, "a/config.json": _hidden_size(48)})
    assert AlbertConfig.from_pretrained(NAME, revision=commit).hidden_size == 192
    # The others are listed, too, and come when they are needed.
    tokenizer = AlbertTokenizer.from_pretrained(NAME, revision=commit)
    assert tokenizer.vocab_size == 8192
    inner = {"revision": commit, "subfolder": "a"}
    assert AlbertConfig.from_pretrained(NAME, **inner).hidden_size == 48
    assert hub.listings == 1
    assert len(hub.downloads) == 4
    hub.requests.clear()
    _block(monkeypatch)
    assert AlbertTokenizer.from_pretrained(NAME, revision=commit).vocab_size == 8192
    assert AlbertConfig.from_pretrained(NAME, **inner).hidden_size == 48
    assert not hub.requests
    text = _failure(OSError, find_files, NAME, Location(commit, subfolder="b"))
    assert text == f"'{NAME}' has no files in a folder 'b' at revision '{commit}'."


@pytest.mark.parametrize("note", [None, b"{", b"{}", b"[" * 100_000])
def test_commit_whose_listing_is_not_noted(hub, tmp_path, caplog, note):
    commit = hub.add(NAME, DEMO)
    AlbertConfig.from_pretrained(NAME, revision=commit)
    (path,) = (tmp_path / "hf-home").rglob(f"albert-models/{commit}.json")
    path.unlink() if note is None else path.write_bytes(note)
    hub.requests.clear()
    AlbertConfig.from_pretrained(NAME, revision=commit)
    assert hub.listings == 1
    path.write_bytes(note or b"")
    with _dead_hub(tmp_path), caplog.at_level(logging.WARNING, "albert"):
        assert AlbertConfig.from_pretrained(NAME, revision=commit).hidden_size == 192
    assert not caplog.messages


def test_force_download_of_a_commit(hub):
    commit = hub.add(NAME, DEMO)
    for number in (1, 2):
        AlbertConfig.from_pretrained(NAME, revision=commit, force_download=True)
        assert (hub.listings, len(hub.downloads)) == (number, number)


def test_subfolder_that_is_not_in_the_cache(hub, hub_offline):
    hub.add(NAME, DEMO)
    AlbertConfig.from_pretrained(NAME)
    with hub_offline():
        text = _failure(OSError, AlbertConfig.from_pretrained, NAME, subfolder="c")
    assert text == (
        f"'{NAME}' has no folder 'c' in the cache at revision 'main': connect once "
        f"without HF_HUB_OFFLINE and local_files_only, or give a folder."
    )


def _dead_hub(tmp_path):
    # Nothing listens on the port of the discard service.
    home = str(tmp_path / "hf-home")
    return real_client(HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=home)


def test_interrupted_download_is_not_taken_for_the_branch(hub):
    hub.add(NAME, {"config.json": _hidden_size(48)})
    AlbertConfig.from_pretrained(NAME)
    hub.repositories[NAME].commit({"config.json": _hidden_size(60)}, "main")
    files = find_files(NAME)
    hub.answer_downloads = 404
    _failure(OSError, files.fetch, ["config.json"])
    config = AlbertConfig.from_pretrained(NAME, local_files_only=True)
    assert config.hidden_size == 48


# Failures, each one line.


def test_not_in_the_cache(hub, hub_offline, no_sockets):
    load = AlbertConfig.from_pretrained
    assert _failure(FileNotFoundError, load, NAME, local_files_only=True) == OFFLINE
    with hub_offline():
        assert _failure(FileNotFoundError, load, NAME) == OFFLINE


def test_no_such_repository(hub):
    for token in (None, GOOD_TOKEN):
        text = _failure(
            FileNotFoundError, AlbertConfig.from_pretrained, "owner/none", token=token
        )
        assert text == (
            "'owner/none' is neither a folder on this machine nor a repository that "
            "you can see on the hub: check the name, and if it is private, log in with "
            "`hf auth login` or pass token=."
        )


def test_private_repository(hub):
    hub.add(NAME, DEMO, private=True)
    text = _failure(FileNotFoundError, AlbertConfig.from_pretrained, NAME)
    assert "if it is private, log in" in text


def test_no_such_revision(hub):
    hub.add(NAME, DEMO)
    text = _failure(
        FileNotFoundError, AlbertConfig.from_pretrained, NAME, revision="dev"
    )
    assert text == (
        f"'{NAME}' has no revision 'dev' on the hub: give a branch, a tag or a commit "
        f"of it."
    )


def test_gated_repository(hub):
    hub.add(NAME, DEMO, gated=True)
    text = _failure(
        PermissionError, AlbertConfig.from_pretrained, NAME, token=GOOD_TOKEN
    )
    assert text == (
        f"'{NAME}' is gated: accept its terms at {hub.url}/{NAME}, then log in with "
        f"`hf auth login` or pass token=. The hub says: Accept the terms first."
    )


def test_bad_token(hub):
    hub.add(NAME, DEMO)
    text = _failure(
        PermissionError, AlbertConfig.from_pretrained, NAME, token=BAD_TOKEN
    )
    assert text == (
        f"the hub wants a valid token for '{NAME}': log in with `hf auth login` or "
        f"pass token=. The hub says: Invalid credentials in Authorization header"
    )


def test_token_that_is_not_there(hub):
    hub.add(NAME, DEMO)
    text = _failure(PermissionError, AlbertConfig.from_pretrained, NAME, token=True)
    assert text == (
        "token=True asks for this machine's token, and it has none: log in with "
        "`hf auth login` or pass token=."
    )


def test_no_network(tmp_path):
    with _dead_hub(tmp_path):
        text = _failure(ConnectionError, AlbertConfig.from_pretrained, NAME)
    assert text.startswith(
        f"'{NAME}' is no folder on this machine, and the hub at http://127.0.0.1:9 "
        f"cannot be reached for '{NAME}': check the connection, or give a folder "
        f"(ConnectError: "
    )


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (403, PermissionError, "the hub refuses access to 'owner/name': log in with "),
        (404, FileNotFoundError, "'owner/name' is neither a folder on this machine"),
        (418, OSError, "the hub answered 418 for 'owner/name'."),
        (
            429,
            ConnectionError,
            "'owner/name' is no folder on this machine, and the hub answered 429 for ",
        ),
        (
            500,
            ConnectionError,
            "'owner/name' is no folder on this machine, and the hub answered 500 for ",
        ),
    ],
)
def test_answers(hub, status, kind, text):
    hub.answer_all = status
    found = _failure(kind, AlbertConfig.from_pretrained, NAME, token=GOOD_TOKEN)
    assert found.startswith(text)


def test_token_of_an_answer_is_not_shown(hub):
    hub.answer_all, hub.message = 403, f"Bad token {GOOD_TOKEN} and {BAD_TOKEN}."
    text = _failure(OSError, AlbertConfig.from_pretrained, NAME, token=GOOD_TOKEN)
    assert text.endswith("The hub says: Bad token *** and hf_***.")


def test_repository_without_what_is_needed(hub):
    hub.add(NAME, {"README.md": b""})
    text = _failure(FileNotFoundError, AlbertTokenizer.from_pretrained, NAME)
    assert text.startswith(
        f"'{NAME}' holds no vocabulary: it must have spiece.model, tokenizer.json or "
        f"vocab.txt"
    )
    text = _failure(FileNotFoundError, AlbertConfig.from_pretrained, NAME)
    assert text.startswith(f"'{NAME}' holds neither config.json nor albert_config.json")
    assert not hub.downloads
