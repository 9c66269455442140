"""Making, loading, saving and pickling a tokenizer, alike for both classes."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from albert.common.hub import Location, find_files
from albert.common.tokenization.calling import Calling
from albert.common.tokenization.engine import Engine, index_of
from albert.common.tokenization.proto import parse_model
from albert.common.tokenization.saving import (
    Saved,
    check_model_size,
    save_files,
    save_vocabulary_file,
)
from albert.common.tokenization.settings import (
    PLAIN_NAMES,
    TOKEN_NAMES,
    Settings,
    default_tokens,
    merge_settings,
)
from albert.common.tokenization.source import (
    Source,
    files_needed,
    read_files,
    read_folder,
)

ARGUMENTS = (
    *PLAIN_NAMES,
    *TOKEN_NAMES,
    "additional_special_tokens",
    "extra_special_tokens",
)
"""The settings that constructors and `from_pretrained` take."""

_ATTRIBUTES = (
    "padding_side",
    "truncation_side",
    "model_max_length",
    "clean_up_tokenization_spaces",
)

_CASING = ("do_lower_case", "remove_space", "keep_accents")


class Tokenizer(Calling, ABC):
    """Text to rows of token ids, and back.

    `AlbertTokenizer` and `AlbertTokenizerFast` say how a vocabulary is made and cut;
    everything else is the same for both.

    Args:
        vocab_file: a `spiece.model`; the fast class also takes a WordPiece `vocab.txt`.
        tokenizer_file: a `tokenizer.json`, instead of `vocab_file` or beside it.
        **settings: `do_lower_case` (default True), `remove_space` (True),
            `keep_accents` (False), `bos_token` ("[CLS]"), `eos_token` ("[SEP]"),
            `unk_token` ("<unk>"), `sep_token` ("[SEP]"), `pad_token` ("<pad>"),
            `cls_token` ("[CLS]"), `mask_token` ("[MASK]"),
            `additional_special_tokens` (none), `model_max_length` in tokens (no
            limit), `padding_side` ("right"), `truncation_side` ("right"),
            `clean_up_tokenization_spaces` (False), `sp_model_kwargs` (none); with a
            `vocab.txt` also `tokenize_chinese_chars` (True) and `strip_accents`
            (None: as `do_lower_case`). What is left out is as the files say.

    Raises:
        TypeError: there is no such setting.
        ValueError: no file is given, a file cannot be read, or a setting is wrong.
        FileNotFoundError: a file is not there.
    """

    def __init__(
        self,
        vocab_file: str | os.PathLike[str] | None = None,
        tokenizer_file: str | os.PathLike[str] | None = None,
        **settings: Any,
    ) -> None:
        self._begin(read_files(vocab_file, tokenizer_file), settings)

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | os.PathLike[str], **settings: Any
    ) -> Self:
        """Load a tokenizer.

        Args:
            name_or_path: a folder with `spiece.model`, `tokenizer.json` or, for the
                fast class, `vocab.txt`; a repository on the hub such as "owner/name";
                or "albert-demo".
            **settings: settings that go before those of the folder, by the names of
                the constructor's arguments; and where on the hub, by the names of
                `albert.common.hub.Location`: `revision`, `token`, `cache_dir`,
                `local_files_only`, `subfolder`, `force_download`.

        Returns:
            The tokenizer.

        Raises:
            OSError: there is no such folder or repository, no vocabulary in it, or
                the hub does not give it; the text says why.
            TypeError: there is no such setting.
            ValueError: a file cannot be read, two disagree, or the vocabulary is
                larger than the `vocab_size` in the folder's config.json.
        """
        location = Location.take(settings)
        files = find_files(name_or_path, location)
        folder = files.fetch(files_needed(files.names, files.label))
        tokenizer = cls.__new__(cls)
        tokenizer._begin(read_folder(folder), settings)
        check_model_size(folder, len(tokenizer))
        return tokenizer

    def save_pretrained(
        self, save_directory: str | os.PathLike[str], filename_prefix: str | None = None
    ) -> tuple[str, ...]:
        """Write the tokenizer's files: vocabulary, tokenizer.json, settings.

        No tokenizer.json is written where it cannot hold the vocabulary.

        Args:
            save_directory: the folder; it is made if it is not there.
            filename_prefix: put in front of the names with "-"; None for nothing.

        Returns:
            Paths of the files written.

        Raises:
            NotADirectoryError: `save_directory` is a file.
        """
        return save_files(self._saved(), save_directory, filename_prefix)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str | None = None,
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
        replace_card: bool = False,
        **card: Any,
    ) -> str:
        """Upload the tokenizer's files to the hub.

        A repository without a README.md gets one; the card of a model that is pushed
        to it later takes its place, unless somebody has changed it.

        Args:
            repo_id: "owner/name"; made if it is not there.
            commit_message: None for "Upload with albert-models".
            private: whether a new repository is; None for the account's default.
            token: the hub's token; None for the machine's.
            revision: a branch, made if it is not there; None for "main".
            create_pr: whether to open a pull request instead of changing the branch.
            replace_card: whether a new README.md takes the place of the repository's.
            **card: `language`, `license` and `tags` for the README.md.

        Returns:
            Address of the commit, or of the pull request.

        Raises:
            OSError: the hub does not take it; the text says why.
            ValueError: the name cannot be a repository's.
        """
        # They bring NumPy along, which cutting text does not need.
        from albert.common.card import tokenizer_card
        from albert.common.publishing import push

        settings = {
            "vocabulary": self.vocab_size,
            **{name: getattr(self._settings, name) for name in _CASING},
            **self.special_tokens_map,
        }
        text = tokenizer_card(type(self).__name__, settings, repo_id=repo_id, **card)
        return push(
            self.save_pretrained,
            repo_id,
            text,
            lambda old: replace_card,
            commit_message=commit_message,
            private=private,
            token=token,
            revision=revision,
            create_pr=create_pr,
        )

    def save_vocabulary(
        self, save_directory: str | os.PathLike[str], filename_prefix: str | None = None
    ) -> tuple[str, ...]:
        """Write only `spiece.model`, or `vocab.txt` for WordPiece.

        The arguments, the result and the errors are those of `save_pretrained`.
        """
        path = save_vocabulary_file(self._saved(), save_directory, filename_prefix)
        return (str(path),)

    @property
    def do_lower_case(self) -> bool:
        """Whether text is lower-cased."""
        return self._settings.do_lower_case

    @property
    def remove_space(self) -> bool:
        """Whether white space is stripped and folded."""
        return self._settings.remove_space

    @property
    def keep_accents(self) -> bool:
        """Whether accents stay."""
        return self._settings.keep_accents

    def __getstate__(self) -> dict[str, Any]:
        return {"saved": self._saved()}

    def __setstate__(self, state: Mapping[str, Saved]) -> None:
        saved = state["saved"]
        source = Source(saved.proto, saved.wordpiece_json)
        self._set_up(source, saved.settings)
        roles = {name: saved.special.get(name) for name in TOKEN_NAMES}
        engine = self._make_engine(source, saved.settings)
        super().__init__(engine, roles, saved.extra, saved.added)  # type: ignore

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(vocab_size={self.vocab_size}, "
            f"model_max_length={self.model_max_length}, "
            f"special_tokens={self.special_tokens_map})"
        )

    def _begin(self, source: Source, given: Mapping[str, Any]) -> None:
        unknown = sorted(set(given) - set(ARGUMENTS))
        if unknown:
            raise TypeError(
                f"{type(self).__name__} has no argument {unknown[0]!r}; its settings "
                f"are {', '.join(ARGUMENTS)}."
            )
        settings = merge_settings(Settings(), source.settings)
        settings = merge_settings(settings, given)
        self._set_up(source, settings)
        engine = self._make_engine(source, settings)
        roles = {**default_tokens(index_of(engine.vocabulary)), **settings.tokens}
        # transformers takes these pieces for added tokens, and so cuts "3.0" wrongly.
        taken = {token.content for token in roles.values() if token}
        if source.proto is not None:
            taken |= parse_model(source.proto).user_defined
        extra = [token for token in settings.extra if token.content not in taken]
        added = [
            (index, token)
            for index, token in source.added
            if index >= len(engine.vocabulary) or token.content not in taken
        ]
        Calling.__init__(self, engine, roles, extra, added)

    def _set_up(self, source: Source, settings: Settings) -> None:
        self._source, self._settings = source, settings
        for name in _ATTRIBUTES:
            setattr(self, name, getattr(settings, name))
        self._warned = set[str]()

    @abstractmethod
    def _make_engine(self, source: Source, settings: Settings) -> Engine:
        """Make the engine for a vocabulary; each class has its own."""

    def _saved(self) -> Saved:
        now = {name: getattr(self, name) for name in _ATTRIBUTES}
        engine_json = getattr(self._engine, "tokenizer_json", None)
        return Saved(
            proto=self._source.proto,
            wordpiece_json=engine_json,
            vocabulary=tuple(self._engine.vocabulary),
            settings=replace(self._settings, **now),
            added=tuple(self.added_tokens_decoder.items()),
            special={name: token for name, token in self.roles.items() if token},
            extra=tuple(self.extra),
        )
