"""From a model or a tokenizer to a repository on the hub."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from albert.common.card import (
    Evaluation,
    check_repo_id,
    is_tokenizer_card,
    model_card,
)
from albert.common.config import AlbertConfig
from albert.common.hub import LIBRARY, Location
from albert.common.hub_errors import explained

CARD_NAME = "README.md"

_HOW = ("commit_message", "private", "token", "revision", "create_pr")

_log = logging.getLogger("albert")


def push_model(
    save: Callable[[Path], object],
    config: AlbertConfig,
    class_name: str,
    parameters: int,
    repo_id: str,
    *,
    training_data: str | Sequence[str] | None = None,
    evaluation: Evaluation | None = None,
    language: str | Sequence[str] | None = None,
    license: str | None = None,
    tags: Sequence[str] = (),
    replace_card: bool = False,
    **how: Any,
) -> str:
    """Upload a model with a card.

    A README.md that the repository has already stays as it is.

    Args:
        save: writes the model's files into a folder.
        config: of the model.
        class_name: PyTorch's name of the class.
        parameters: how many there are.
        repo_id: "owner/name"; made if it is not there.
        training_data: names of data sets, or a sentence, for the card.
        evaluation: values by data set and metric, for the card:
            `{"SST-2": {"accuracy": 0.926}}`.
        language: a code such as "en", or several, for the card.
        license: the hub's name of it, such as "apache-2.0", for the card.
        tags: further ones beside "albert", for the card.
        replace_card: whether a new card takes the place of the repository's.
        **how: arguments of `push`: `commit_message`, `private`, `token`, `revision`,
            `create_pr`.

    Returns:
        Address of the commit, or of the pull request.

    Raises:
        OSError: the hub does not take it; the text says why.
        TypeError: there is no such argument, or a value is of another type.
        ValueError: the name cannot be a repository's, or a value of the card is bad.
    """
    unknown = [name for name in how if name not in _HOW]
    if unknown:
        raise TypeError(f"push_to_hub has no argument {unknown[0]!r}.")
    card = model_card(
        config,
        class_name,
        parameters,
        repo_id=repo_id,
        training_data=training_data,
        evaluation=evaluation,
        language=language,
        license=license,
        tags=tags,
    )

    def may_replace(old: str) -> bool:
        if not (replace_card or is_tokenizer_card(old)):
            _log.warning(
                "%r keeps its %s; pass replace_card=True for a new one.",
                repo_id,
                CARD_NAME,
            )
            return False
        return True

    return push(save, repo_id, card, may_replace, **how)


def push(
    save: Callable[[Path], object],
    repo_id: str,
    card: str,
    may_replace: Callable[[str], bool],
    *,
    commit_message: str | None = None,
    private: bool | None = None,
    token: str | bool | None = None,
    revision: str | None = None,
    create_pr: bool = False,
) -> str:
    """Upload what `save` writes, in one commit.

    Args:
        save: writes files into a folder.
        repo_id: "owner/name"; made if it is not there.
        card: text of README.md.
        may_replace: told the README.md that is there already, tells whether `card`
            takes its place.
        commit_message: None for "Upload with albert-models".
        private: whether a new repository is; None for the account's default.
        token: the hub's token; None for the machine's.
        revision: a branch, made if it is not there; None for "main".
        create_pr: whether to open a pull request instead of changing the branch.

    Returns:
        Address of the commit, or of the pull request.

    Raises:
        OSError: the hub does not take it; the text says why.
        TypeError: the token or the revision is of another type.
        ValueError: the name cannot be a repository's, or the token or the revision
            cannot be meant.
    """
    check_repo_id(repo_id)
    Location(revision, token)
    from huggingface_hub import HfApi

    api: Any = HfApi(token=token, **LIBRARY)
    told = explained(repo_id, revision, token, "save it with save_pretrained")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save(folder)
        with told():
            repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
            if revision is not None and not revision.startswith("refs/"):
                api.create_branch(repo_id, branch=revision, exist_ok=True)
            old = _old_card(api, repo_id, revision)
        if old is None or may_replace(old):
            (folder / CARD_NAME).write_text(card, encoding="utf-8", newline="\n")
        with told():
            done = api.upload_folder(
                repo_id=repo_id,
                folder_path=os.fspath(folder),
                commit_message=commit_message or "Upload with albert-models",
                revision=revision,
                create_pr=create_pr,
            )
    return str(done.pr_url or done.commit_url)


def _old_card(api: Any, repo_id: str, revision: str | None) -> str | None:
    from huggingface_hub.errors import RemoteEntryNotFoundError

    with tempfile.TemporaryDirectory() as folder:
        try:
            path = api.hf_hub_download(
                repo_id, CARD_NAME, revision=revision, local_dir=folder
            )
        except RemoteEntryNotFoundError:
            return None
        return Path(path).read_text("utf-8", errors="replace")
