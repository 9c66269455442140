"""SentencePiece's normaliser, with the way back to the characters it came from.

A model file holds character rules ("from these characters make those"). At each
place the longest rule that fits is taken. The tokenizers library reads the same rules
by grapheme, which differs, for instance on Hangul; hence this file.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import cached_property

from albert.common.tokenization.proto import SpmModel

BLANK = "▁"
"""U+2581, which stands for a blank inside pieces."""

_ASCII = [chr(code) for code in range(128)]


class CharRules:
    """The compiled character rules of a model.

    Args:
        charsmap: a double-array trie of UTF-8 sources, its size in front, followed by
            the targets, each ended by a zero byte. Empty means no rules.

    Source: sentencepiece, src/normalizer.cc; darts-clone, include/darts.h.
    """

    def __init__(self, charsmap: bytes) -> None:
        size = int.from_bytes(charsmap[:4], "little")
        self._units = array("I", charsmap[4 : 4 + size])
        self._targets = charsmap[4 + size :]
        self._alone: dict[str, tuple[str | None, bool]] = {}
        self._pairs: dict[str, bool] = {}

    def alone(self, char: str) -> tuple[str | None, bool]:
        """Tell what a character becomes.

        Args:
            char: one character.

        Returns:
            Its target, None without a rule; and whether longer rules begin with it.
        """
        found = self._alone.get(char)
        if found is None:
            place, target = self._step(self._root, char)
            found = target, place >= 0 and self._goes_on(place)
            self._alone[char] = found
        return found

    def begins(self, pair: str) -> bool:
        """Whether a rule begins with these two characters."""
        found = self._pairs.get(pair)
        if found is None:
            place, _ = self._step(self._root, pair[0])
            if place >= 0:
                place, target = self._step(place, pair[1])
                found = target is not None or (place >= 0 and self._goes_on(place))
            self._pairs[pair] = found = bool(found)
        return found

    def longest(self, text: str, start: int) -> tuple[str, int]:
        """Find the longest rule that fits.

        Args:
            text: any text.
            start: the place in it.

        Returns:
            The target and the number of characters it replaces; the character itself
            and 1 if no rule fits.
        """
        found, place = (text[start], 1), self._root
        for at in range(start, len(text)):
            place, target = self._step(place, text[at])
            if target is not None:
                found = target, at + 1 - start
            if place < 0:
                break
        return found

    @cached_property
    def _root(self) -> int:
        return self._below(0) if self._units else -1

    def _below(self, index: int) -> int:
        """Return the base from which the children of a unit are found."""
        unit = self._units[index]
        return index ^ ((unit >> 10) << ((unit & 1 << 9) >> 6))

    def _step(self, place: int, char: str) -> tuple[int, str | None]:
        """Go on by one character: the new place, -1 for none, and the target there."""
        index = place
        for byte in char.encode():
            index = place ^ byte
            known = place >= 0 and index < len(self._units)
            if not byte or not known or self._units[index] & 0x800000FF != byte:
                return -1, None
            place = self._below(index)
        if not self._units[index] >> 8 & 1:
            return place, None
        start = self._units[place] & 0x7FFFFFFF
        return place, self._targets[start : self._targets.index(0, start)].decode()

    def _goes_on(self, place: int) -> bool:
        units = self._units
        return any(
            units[place ^ byte] & 0x800000FF == byte
            for byte in range(1, 256)
            if place ^ byte < len(units)
        )


class SpmNormalizer:
    """Apply a model's character rules, fold blanks, write them as "▁".

    Args:
        model: its `charsmap`, user-defined pieces (never rewritten) and blank flags
            are used.
    """

    def __init__(self, model: SpmModel) -> None:
        self._rules = CharRules(model.charsmap)
        self._user_defined = sorted(model.user_defined, key=len, reverse=True)
        self._long_symbols = [s for s in self._user_defined if len(s) > 1]
        self._firsts = {symbol[0] for symbol in self._user_defined}
        self._fold = model.remove_extra_whitespaces
        self._prefix = model.add_dummy_prefix

    @cached_property
    def _ascii(self) -> dict[int, str] | None:
        """Targets of ASCII characters; None if rules or pieces join several of them."""
        longer = [symbol for symbol in self._long_symbols if symbol[0].isascii()]
        starts = [char for char in _ASCII if self._rules.alone(char)[1]]
        if longer or any(
            self._rules.begins(char + after) for char in starts for after in _ASCII
        ):
            return None
        targets = {char: self._rules.alone(char)[0] for char in _ASCII}
        return {
            ord(char): target
            for char, target in targets.items()
            if target is not None and char not in self._firsts
        }

    def normalize(self, text: str, *, prefix: bool = True) -> str:
        """Normalise `text` as SentencePiece does before it cuts.

        Args:
            text: any text.
            prefix: False leaves the "▁" in front out (the text continues another).

        Returns:
            The text to cut, with "▁" for blanks.
        """
        targets = self._ascii if text.isascii() else self._targets(text)
        if targets is not None:
            text = text.translate(targets)
        else:
            text = "".join([target for target, _ in self._steps(text)])
        if self._fold:
            text = " ".join(part for part in text.split(" ") if part)
        text = text.replace(" ", BLANK)
        if self._fold and not text:
            return ""
        if prefix and self._prefix and text:
            text = BLANK + text
        return text.rstrip(BLANK) if self._fold else text

    def _targets(self, text: str) -> dict[int, str] | None:
        """Return targets by character, if no rule or piece may join several of them."""
        chars = set(text)
        others = [char for char in chars if not char.isascii()]
        starts = [char for char in chars if self._rules.alone(char)[1]]
        # Going through the text is cheaper than going through all pairs.
        if len(text) < len(starts) * len(others) or self._ascii is None:
            return None
        if any(symbol[0] in chars for symbol in self._long_symbols) or any(
            self._rules.begins(char + after)
            for char in starts
            for after in (others if char.isascii() else chars)
        ):
            return None
        targets = {char: self._rules.alone(char)[0] for char in others}
        return self._ascii | {
            ord(char): target
            for char, target in targets.items()
            if target is not None and char not in self._firsts
        }

    def aligned(self, text: str, *, prefix: bool = True) -> list[tuple[str, int, int]]:
        """Normalise and say where each character comes from.

        Args:
            text: as for `normalize`.
            prefix: as for `normalize`.

        Returns:
            (character, start, end) for each character of `normalize(text)`; start and
            end count characters of `text`. The "▁" in front has an empty span.
        """
        out: list[tuple[str, int, int]] = []
        if prefix and self._prefix and text:
            out.append((BLANK, 0, 0))
        at, after_blank = 0, self._fold
        for to, length in self._steps(text):
            for char in to:
                if char != " ":
                    out.append((char, at, at + length))
                elif not (self._fold and after_blank):
                    out.append((BLANK, at, at + length))
                after_blank = char == " "
            at += length
        while self._fold and out and out[-1][0] == BLANK:
            out.pop()
        return out

    def _steps(self, text: str) -> Iterator[tuple[str, int]]:
        """Yield (target, number of characters it replaces), from left to right."""
        at = 0
        while at < len(text):
            target, length = self._longest(text, at)
            yield target, length
            at += length

    def _longest(self, text: str, at: int) -> tuple[str, int]:
        char = text[at]
        if char in self._firsts:
            for symbol in self._user_defined:
                if text.startswith(symbol, at):
                    return symbol, len(symbol)
        target, goes_on = self._rules.alone(char)
        if goes_on and self._rules.begins(text[at : at + 2].ljust(2, "\0")):
            return self._rules.longest(text, at)
        return char if target is None else target, 1
