"""Tokens and ids: looking them up, adding some, making text of them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, overload

from albert.common.tokenization.added import AddedToken, TokenFinder, as_added
from albert.common.tokenization.engine import Engine, index_of
from albert.common.tokenization.kinds import is_list
from albert.common.tokenization.settings import TOKEN_NAMES, as_token

_CLEANED = (" .", " ?", " !", " ,", " n't", " 'm", " 's", " 've", " 're")


class _Role:
    """An attribute with the text of the special token in a role."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, vocabulary: Vocabulary, owner: type) -> str | None:
        token = vocabulary.roles.get(self._name)
        return token.content if token else None

    def __set__(self, vocabulary: Vocabulary, value: str | AddedToken | None) -> None:
        token = as_token(self._name, value)
        if token and token.content not in vocabulary:
            raise ValueError(
                f"{self._name} {token.content!r} is not in the vocabulary: use "
                f"add_special_tokens({{{self._name!r}: {token.content!r}}})."
            )
        vocabulary.roles[self._name] = token
        vocabulary.refresh()


class _RoleId:
    """An attribute with the id of the special token in a role; None without one."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name.removesuffix("_id")

    def __get__(self, vocabulary: Vocabulary, owner: type) -> int | None:
        token = vocabulary.roles.get(self._name)
        return vocabulary.convert_tokens_to_ids(token.content) if token else None


class Vocabulary:
    """The part of a tokenizer that knows tokens and ids.

    Args:
        engine: the library's vocabulary, whose tokens are by id.
        roles: the special tokens by role ("mask_token", ...).
        extra: further special tokens.
        added: tokens with ids behind the engine's, or flags for some of the engine's.
    """

    bos_token, bos_token_id = _Role(), _RoleId()
    eos_token, eos_token_id = _Role(), _RoleId()
    unk_token, unk_token_id = _Role(), _RoleId()
    sep_token, sep_token_id = _Role(), _RoleId()
    pad_token, pad_token_id = _Role(), _RoleId()
    cls_token, cls_token_id = _Role(), _RoleId()
    mask_token, mask_token_id = _Role(), _RoleId()

    clean_up_tokenization_spaces: bool = False

    def __init__(
        self,
        engine: Engine,
        roles: Mapping[str, AddedToken | None],
        extra: Iterable[AddedToken] = (),
        added: Iterable[tuple[int, AddedToken]] = (),
    ) -> None:
        self._engine = engine
        self._ids = index_of(engine.vocabulary)
        self._tokens = list(engine.vocabulary)
        self._added: dict[str, AddedToken] = {}
        self.roles = {name: roles.get(name) for name in TOKEN_NAMES}
        self.extra = list(extra)
        self._restore(added)
        for token in [*self.roles.values(), *self.extra]:
            if token:
                self._append(token)
        self.refresh()

    def __len__(self) -> int:
        """Return the number of ids, added tokens included."""
        return len(self._tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    @property
    def vocab_size(self) -> int:
        """Number of ids without added tokens."""
        return len(self._engine.vocabulary)

    def get_vocab(self) -> dict[str, int]:
        """Return token to id, added tokens included."""
        return dict(self._ids)

    def get_added_vocab(self) -> dict[str, int]:
        """Return token to id of tokens that are found in text as they stand."""
        found = sorted((self._ids[content], content) for content in self._added)
        return {content: index for index, content in found}

    @property
    def added_tokens_encoder(self) -> dict[str, int]:
        """The same as `get_added_vocab()`."""
        return self.get_added_vocab()

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        """Id to token of tokens that are found in text as they stand."""
        return {
            index: self._added[content]
            for content, index in self.get_added_vocab().items()
        }

    @property
    def special_tokens_map(self) -> dict[str, Any]:
        """The special tokens by role, and the further ones."""
        found: dict[str, Any] = {
            name: token.content for name, token in self.roles.items() if token
        }
        if self.extra:
            found["additional_special_tokens"] = self.additional_special_tokens
        return found

    @property
    def additional_special_tokens(self) -> list[str]:
        """The special tokens without a role."""
        return [token.content for token in self.extra]

    @property
    def all_special_tokens(self) -> list[str]:
        """All special tokens, each once."""
        tokens = [*self.roles.values(), *self.extra]
        return list(dict.fromkeys(token.content for token in tokens if token))

    @property
    def all_special_ids(self) -> list[int]:
        """Ids of all special tokens."""
        return [self._ids[content] for content in self.all_special_tokens]

    @overload
    def convert_tokens_to_ids(self, tokens: str) -> int: ...
    @overload
    def convert_tokens_to_ids(
        self, tokens: list[str] | tuple[str, ...]
    ) -> list[int]: ...
    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> int | list[int]:
        """Look tokens up.

        Args:
            tokens: one token or several.

        Returns:
            Its id or theirs; the unknown token's for a token that is not there.

        Raises:
            KeyError: a token is not there, and there is no unknown token.
        """
        if isinstance(tokens, str):
            return self._id_of(tokens)
        return [self._id_of(token) for token in tokens]

    @overload
    def convert_ids_to_tokens(
        self, ids: int, skip_special_tokens: bool = False
    ) -> str: ...
    @overload
    def convert_ids_to_tokens(
        self, ids: Sequence[int], skip_special_tokens: bool = False
    ) -> list[str]: ...
    def convert_ids_to_tokens(
        self, ids: Any, skip_special_tokens: bool = False
    ) -> str | list[str]:
        """Look ids up.

        Args:
            ids: one id or several, an array or tensor too.
            skip_special_tokens: whether to leave special tokens out of several.

        Returns:
            The token of one id, or a list of tokens.

        Raises:
            IndexError: an id is outside the vocabulary.
        """
        listed = _as_list(ids)
        if isinstance(listed, int):
            return self._token_of(listed)
        skipped = self._skipped if skip_special_tokens else frozenset[int]()
        return [self._token_of(index) for index in listed if index not in skipped]

    def convert_tokens_to_string(self, tokens: Sequence[str]) -> str:
        """Make text of tokens."""
        return self._engine.join(tokens)

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
    ) -> str:
        """Make text of ids.

        Args:
            token_ids: one id or several, an array or tensor too.
            skip_special_tokens: whether to leave special tokens out.
            clean_up_tokenization_spaces: whether to remove blanks in front of
                punctuation; None does as the tokenizer's attribute of that name.

        Returns:
            The text.

        Raises:
            TypeError: the ids are a batch.
            IndexError: an id is outside the vocabulary.
        """
        listed = _as_list(token_ids)
        listed = [listed] if isinstance(listed, int) else listed
        tokens = self.convert_ids_to_tokens(listed, skip_special_tokens)
        text = self.convert_tokens_to_string(tokens)
        if clean_up_tokenization_spaces is None:
            clean_up_tokenization_spaces = self.clean_up_tokenization_spaces
        if clean_up_tokenization_spaces:
            for spaced in _CLEANED:
                text = text.replace(spaced, spaced[1:])
        return text

    def batch_decode(
        self,
        sequences: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
    ) -> list[str]:
        """Make a text of each row of ids; the arguments are those of `decode`."""
        return [
            self.decode(row, skip_special_tokens, clean_up_tokenization_spaces)
            for row in sequences
        ]

    def add_tokens(
        self,
        new_tokens: str | AddedToken | Sequence[str | AddedToken],
        special_tokens: bool = False,
    ) -> int:
        """Add tokens behind the vocabulary; they are found in text as they stand.

        The model's embedding must grow with them.

        Args:
            new_tokens: one token or several.
            special_tokens: whether decoding may skip them.

        Returns:
            How many were not in the vocabulary before.
        """
        before = len(self)
        for value in new_tokens if is_list(new_tokens) else [new_tokens]:
            token = as_added(value, "new_tokens", special=special_tokens)
            if special_tokens:
                token = replace(token, special=True)
            self._append(token)
        self.refresh()
        return len(self) - before

    def add_special_tokens(self, special_tokens_dict: Mapping[str, Any]) -> int:
        """Set special tokens by role and add those that are not in the vocabulary.

        Args:
            special_tokens_dict: a token for each role ("mask_token", ...), a list for
                "additional_special_tokens" (or "extra_special_tokens").

        Returns:
            How many were not in the vocabulary before.

        Raises:
            ValueError: there is no such role.
        """
        before = len(self)
        for name, value in special_tokens_dict.items():
            if name in TOKEN_NAMES:
                token = as_token(name, value)
                self.roles[name] = token
                if token:
                    self._append(token)
            elif name in ("additional_special_tokens", "extra_special_tokens"):
                for entry in value:
                    token = replace(as_added(entry, name), special=True)
                    if token.content not in self.additional_special_tokens:
                        self.extra.append(token)
                    self._append(token)
            else:
                raise ValueError(
                    f"special_tokens_dict has no role {name!r}: the roles are "
                    f"{', '.join(TOKEN_NAMES)} and additional_special_tokens."
                )
        self.refresh()
        return len(self) - before

    def refresh(self) -> None:
        """Bring what is derived up to date after special tokens changed."""
        for token in [*self.roles.values(), *self.extra]:
            if token:
                self._added[token.content] = token
        self._finder = TokenFinder(self._added.values())
        special = {self._ids[t.content] for t in self._added.values() if t.special}
        self._skipped = frozenset(special | set(self.all_special_ids))

    def _append(self, token: AddedToken) -> None:
        if token.content not in self._ids:
            self._ids[token.content] = len(self._tokens)
            self._tokens.append(token.content)
        self._added[token.content] = token

    def _restore(self, added: Iterable[tuple[int, AddedToken]]) -> None:
        for index, token in sorted(added, key=lambda entry: entry[0]):
            known = self._ids.get(token.content, len(self._tokens))
            if known != index:
                raise ValueError(
                    f"the added token {token.content!r} has the id {index} in the "
                    f"files, and the vocabulary leaves it {known}: the files belong "
                    f"to different vocabularies."
                )
            self._append(token)

    def _id_of(self, token: str) -> int:
        index = self._ids.get(token)
        if index is None:
            unknown = self.roles.get("unk_token")
            if unknown is None:
                raise KeyError(f"{token!r} is no token, and there is no unk_token.")
            index = self._ids[unknown.content]
        return index

    def _token_of(self, index: int) -> str:
        if not 0 <= index < len(self._tokens):
            raise IndexError(
                f"id {index} is outside the vocabulary, whose ids are 0 to "
                f"{len(self._tokens) - 1}."
            )
        return self._tokens[index]


def _as_list(ids: Any) -> int | list[int]:
    """Make a list of an array or tensor; a number stays one."""
    plain: Any = ids.tolist() if hasattr(ids, "tolist") else ids
    if hasattr(plain, "numpy"):
        plain = plain.numpy().tolist()
    if isinstance(plain, int):
        return plain
    plain = list[Any](plain)
    if plain and not isinstance(plain[0], int):
        if hasattr(plain[0], "__index__"):
            return [int(index) for index in plain]
        raise TypeError(
            f"ids must be whole numbers, got {type(plain[0]).__name__}: use "
            f"batch_decode() for a batch."
        )
    return plain
