"""Uploads, through the hub's real client and a hub on the loopback."""

import logging

import pytest

from albert.common.card import is_tokenizer_card
from albert.common.config import AlbertConfig
from albert.common.publishing import push_model
from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast

from .hub_server import BAD_TOKEN, GOOD_TOKEN, real_client

NAME = "owner/name"
CONFIG = AlbertConfig.from_pretrained("albert-demo")


@pytest.fixture(scope="module")
def tokenizer():
    return AlbertTokenizerFast.from_pretrained("albert-demo")


def _push_model(weights=b"weights", token=GOOD_TOKEN, **facts):
    def save(folder):
        (folder / "model.safetensors").write_bytes(weights)
        CONFIG.save_pretrained(folder)

    return push_model(save, CONFIG, "AlbertForMaskedLM", 12, NAME, token=token, **facts)


def test_tokenizer_arrives_whole(hub, tokenizer, tmp_path):
    address = tokenizer.push_to_hub(NAME, token=GOOD_TOKEN, language="en")
    found = hub.files(NAME)
    commit = hub.repositories[NAME].refs["main"]
    assert address == f"{hub.url}/{NAME}/commit/{commit}"
    tokenizer.save_pretrained(tmp_path / "saved")
    saved = {path.name: path.read_bytes() for path in (tmp_path / "saved").iterdir()}
    assert found == {
        **saved,
        ".gitattributes": b"",
        "README.md": found["README.md"],
    }
    card = found["README.md"].decode()
    assert is_tokenizer_card(card)
    assert "| vocabulary | `8192` |" in card.splitlines()
    assert "language:\n- en\n" in card

    text = "She sells sea shells."
    again = AlbertTokenizer.from_pretrained(NAME)
    assert again(text)["input_ids"] == tokenizer(text)["input_ids"]


def test_model_arrives_whole(hub):
    _push_model(evaluation={"SST-2": {"accuracy": 0.5}}, training_data="Letters.")
    found = hub.files(NAME)
    assert found["model.safetensors"] == b"weights"
    assert AlbertConfig.from_pretrained(NAME) == CONFIG
    card = found["README.md"].decode()
    assert "- Letters." in card
    assert "| SST-2 | accuracy | 0.5 |" in card
    assert not hub.repositories[NAME].private


def test_readme_of_somebody_stays(hub, tokenizer, caplog):
    own = {"README.md": b"# Mine\n"}
    hub.add(NAME, own)
    with caplog.at_level(logging.WARNING, "albert"):
        tokenizer.push_to_hub(NAME, token=GOOD_TOKEN)
        assert not caplog.messages
        _push_model()
    assert caplog.messages == [
        f"'{NAME}' keeps its README.md; pass replace_card=True for a new one."
    ]
    assert hub.files(NAME)["README.md"] == b"# Mine\n"
    assert {"spiece.model", "model.safetensors"} <= set(hub.files(NAME))
    _push_model(replace_card=True)
    assert b"AlbertForMaskedLM" in hub.files(NAME)["README.md"]
    tokenizer.push_to_hub(NAME, token=GOOD_TOKEN, replace_card=True)
    assert is_tokenizer_card(hub.files(NAME)["README.md"].decode())


def test_second_push_keeps_the_edited_readme(hub, tokenizer):
    tokenizer.push_to_hub(NAME, token=GOOD_TOKEN)
    card = hub.files(NAME)["README.md"] + b"\nAnd it is mine.\n"
    hub.repositories[NAME].commit({"README.md": card}, "main")
    tokenizer.push_to_hub(NAME, token=GOOD_TOKEN)
    _push_model()
    assert hub.files(NAME)["README.md"] == card


def test_card_of_a_model_takes_the_place_of_its_tokenizers(hub, tokenizer):
    tokenizer.push_to_hub(NAME, token=GOOD_TOKEN)
    _push_model()
    card = hub.files(NAME)["README.md"]
    assert b"AlbertForMaskedLM" in card
    tokenizer.push_to_hub(NAME, token=GOOD_TOKEN)
    assert hub.files(NAME)["README.md"] == card


def test_branch_and_pull_request(hub):
    _push_model(b"first")
    _push_model(b"second", revision="dev")
    address = _push_model(b"third", create_pr=True)
    assert address == f"{hub.url}/{NAME}/discussions/1"
    for revision, weights in (
        ("main", b"first"),
        ("dev", b"second"),
        ("refs/pr/1", b"third"),
    ):
        assert hub.files(NAME, revision)["model.safetensors"] == weights


def test_private(hub):
    _push_model(private=True)
    assert hub.repositories[NAME].private


def test_one_commit(hub):
    _push_model(commit_message="First words")
    assert len(hub.repositories[NAME].commits) == 2
    assert hub.messages == ["First words"]
    _push_model(b"other")
    assert hub.messages[1:] == ["Upload with albert-models"]


@pytest.mark.parametrize("token", [False, BAD_TOKEN])
def test_no_valid_token(hub, tokenizer, token):
    with pytest.raises(PermissionError) as caught:
        tokenizer.push_to_hub(NAME, token=token)
    assert str(caught.value).startswith(
        f"the hub wants a valid token for '{NAME}': log in with `hf auth login` or "
        f"pass token=. The hub says: "
    )
    assert not hub.repositories


def test_no_network(tokenizer, tmp_path):
    with (
        real_client(HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(tmp_path)),
        pytest.raises(ConnectionError) as caught,
    ):
        tokenizer.push_to_hub(NAME, token=GOOD_TOKEN)
    assert str(caught.value).startswith(
        f"the hub at http://127.0.0.1:9 cannot be reached for '{NAME}': check the "
        f"connection, or save it with save_pretrained ("
    )


@pytest.mark.parametrize("name", ["a/b/c", "my model", ""])
def test_bad_name(tokenizer, name):
    with pytest.raises(ValueError) as caught:
        tokenizer.push_to_hub(name)
    assert str(caught.value) == (
        f"repo_id must be a name that a repository on the hub can have, such as "
        f"'owner/name', but is {name!r}."
    )


def test_readme_that_cannot_be_read_is_not_taken_for_none(hub):
    _push_model()
    before = hub.files(NAME)
    hub.answer_downloads = 403
    with pytest.raises(OSError):
        _push_model(b"other")
    assert hub.files(NAME) == before


@pytest.mark.parametrize("name", [None, 3, "a/b/c"])
def test_bad_name_of_a_model(hub, tokenizer, name):
    def refuse(folder):
        raise AssertionError("something was written")

    text = (
        f"repo_id must be a name that a repository on the hub can have, such as "
        f"'owner/name', but is {name!r}."
    )
    for push in (
        lambda: push_model(refuse, CONFIG, "AlbertModel", 12, name),
        lambda: tokenizer.push_to_hub(name),
    ):
        with pytest.raises(ValueError) as caught:
            push()
        assert str(caught.value) == text
    assert not hub.requests


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"foo": 1}, "push_to_hub has no argument 'foo'."),
        (
            {"token": 3},
            "token must be a string, True, False or None, but is of type int.",
        ),
        ({"revision": 3}, "revision must be a string or None, but is of type int."),
    ],
)
def test_bad_arguments(hub, arguments, text):
    with pytest.raises(TypeError) as caught:
        _push_model(**arguments)
    assert str(caught.value) == text
    assert not hub.requests
