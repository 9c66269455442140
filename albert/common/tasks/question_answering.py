"""The stretches of a text that answer a question.

Letters: S sequence, P pieces of the text in a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from albert.common.tasks.answer_spans import Spans, best_spans
from albert.common.tasks.checks import check_count, check_flag, mapping_of
from albert.common.tasks.encoding import limit
from albert.common.tasks.inputs import held_text
from albert.common.tasks.task import Encoded, Outputs, Task
from albert.common.tasks.windows import (
    Pieces,
    Places,
    make_row,
    pieces_of,
    trimmed,
)
from albert.common.tokenization.truncation import windows

_SEQ_LEN, _STRIDE = 384, 128
"""Tokens of a window, and those that it shares with the one before it."""


@dataclass(frozen=True, kw_only=True)
class QuestionAnsweringOptions:
    """What the caller may choose.

    Args:
        top_k: how many answers.
        topk: the older name of it.
        doc_stride: tokens that a window of the context shares with the one before it;
            None for 128, or less if that leaves no room.
        max_answer_len: tokens of an answer at most.
        max_seq_len: tokens of a window at most, with the question and special tokens;
            None for 384, or less if the model reads less.
        max_question_len: tokens of the question at most, the rest is cut off; None for
            no limit. transformers documents 64, but its fast tokenizers never cut.
        handle_impossible_answer: whether "no answer", an empty text, is an answer.
        align_to_words: whether an answer is widened to whole words.
        padding: not used, since rows are padded as need be; users of transformers give
            it.
    """

    top_k: int = 1
    topk: int | None = None
    doc_stride: int | None = None
    max_answer_len: int = 15
    max_seq_len: int | None = None
    max_question_len: int | None = None
    handle_impossible_answer: bool = False
    align_to_words: bool = True
    padding: bool | str | None = None

    def __post_init__(self) -> None:
        if self.topk is not None:
            check_count("topk", self.topk)
            object.__setattr__(self, "top_k", self.topk)
            # Said once: a later choice of top_k counts.
            object.__setattr__(self, "topk", None)
        check_count("top_k", self.top_k)
        check_count("max_answer_len", self.max_answer_len)
        for name in ("max_seq_len", "max_question_len"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        if self.doc_stride is not None:
            check_count("doc_stride", self.doc_stride, 0)
        check_flag("handle_impossible_answer", self.handle_impossible_answer)
        check_flag("align_to_words", self.align_to_words)


class _State(NamedTuple):
    """A context and which of its pieces the rows hold.

    Fields:
        context: the context's.
        offset: place in a row where the context begins.
        windows: first piece of each row, and the one after its last.
    """

    context: Pieces
    offset: int
    windows: list[tuple[int, int]]


class QuestionAnswering(Task[QuestionAnsweringOptions]):
    """Find the answer to a question in a text."""

    name = "question-answering"
    model_class = "AlbertForQuestionAnswering"
    fields = ("start_logits", "end_logits")
    per_token = True
    keys = ("question", "context")
    options_class = QuestionAnsweringOptions

    def arrange(self, *inputs: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Sort the arguments of a call.

        Args:
            *inputs: a dictionary with `question` and `context`, which may be lists; or
                several dictionaries, in a list or anything that can be iterated, or one
                after another; or a question and a context.
            **options: as given by name; among them `question` and `context`, if there
                is nothing else: two texts, two lists, or a list of questions and the
                context of them all.

        Returns:
            The inputs and the options.

        Raises:
            TypeError: there are no inputs, or they cannot be told apart.
            ValueError: there are not as many questions as contexts.
        """
        named = {key: options.pop(key) for key in self.keys if key in options}
        if named and not inputs and len(named) == 2:
            return _pairs(**named), options
        if inputs and not named:
            if len(inputs) == 2 and all(isinstance(text, str) for text in inputs):
                return _pairs(*inputs), options
            if len(inputs) == 1 and _has_lists(inputs[0], self.keys):
                return _pairs(**inputs[0]), options
            if len(inputs) == 1 and not isinstance(inputs[0], str):
                return inputs[0], options
            if all(isinstance(given, Mapping) for given in inputs):
                return list(inputs), options
        raise TypeError(
            f"{self.name} takes question= and context=, or a dictionary with these, or "
            f"several in a list."
        )

    def encode(self, given: Any, options: QuestionAnsweringOptions) -> Encoded:
        """Turn a question and its context into rows, one for each window.

        Args:
            given: `{"question": ..., "context": ...}`.
            options: what the caller chose.

        Returns:
            The rows.

        Raises:
            TypeError: the input is no dictionary, or no text in it.
            ValueError: a text is missing or empty, or the question leaves no room, or
                the tokenizer does not know where pieces are.
        """
        if not self.tokenizer.is_fast:
            raise ValueError(
                "question-answering needs to know where in the context a piece is, and "
                "that is known to AlbertTokenizerFast only: use it, it gives the same "
                "ids."
            )
        question, text = self._texts(given)
        asked = pieces_of(self.tokenizer, question).ids
        kept = asked[: options.max_question_len]
        context = pieces_of(self.tokenizer, text)
        room, stride = self._room(len(kept), options)
        size = len(context.ids)
        if size > room and stride >= room:
            raise ValueError(
                f"doc_stride must be less than {room}, which is how many tokens of the "
                f"context a window has room for, but is {stride}."
            )
        found = windows(size, room, stride, self.tokenizer.truncation_side)
        rows = [
            make_row(self.tokenizer, kept, context.ids[start:end])
            for start, end in found
        ]
        state = _State(context, len(kept) + 2, found)
        return Encoded(rows, state, len(kept) < len(asked))

    def decode(
        self,
        encoded: Encoded,
        outputs: Sequence[Outputs],
        options: QuestionAnsweringOptions,
    ) -> Any:
        """Choose the best answers of all windows.

        Answers with the same text are one, at the place that was found first, and with
        the sum of their scores, which thus can be more than 1; as in transformers.

        Args:
            encoded: of `encode`.
            outputs: `start_logits` and `end_logits` of each row, float [S].
            options: what the caller chose.

        Returns:
            A dictionary, or a list of several, the best first: `score`; `start` and
                `end`, which count characters of the context; and `answer`, the context
                between them.
        """
        state: _State = encoded.state
        answers: dict[str, dict[str, Any]] = {}
        nulls: list[float] = []
        # Some become one answer when they are widened to words.
        number = 2 * options.top_k + 10 if options.align_to_words else options.top_k
        for window, output in zip(state.windows, outputs, strict=True):
            size = window[1] - window[0]
            places = np.r_[0, state.offset : state.offset + size]
            starts, ends = (output[field][places] for field in self.fields)
            spans = best_spans(starts, ends, options.max_answer_len, number)
            nulls.append(spans.null)
            _collect(answers, state.context, window, spans, options.align_to_words)
        found = list(answers.values())
        if options.handle_impossible_answer or not found:
            score = min(nulls) if options.handle_impossible_answer else 0.0
            found.append({"score": score, "start": 0, "end": 0, "answer": ""})
        found = sorted(found, key=lambda one: -one["score"])[: options.top_k]
        return found[0] if len(found) == 1 else found

    def present(
        self, answers: list[Any], alone: bool, chosen: Mapping[str, Any]
    ) -> Any:
        """Give the only answer of a list of one by itself, as transformers does."""
        return answers[0] if len(answers) == 1 else answers

    def _texts(self, given: Any) -> list[str]:
        held = mapping_of(given, self.keys)
        if held is None:
            raise TypeError(
                f"the input must be a dictionary with question and context, but is "
                f"of type {type(given).__name__}."
            )
        texts = [held_text(held, key) for key in self.keys]
        for key, text in zip(self.keys, texts, strict=True):
            if not text:
                raise ValueError(f"{key} must not be empty.")
        return texts

    def _room(
        self, question: int, options: QuestionAnsweringOptions
    ) -> tuple[int, int]:
        """Tell how many tokens of the context a window has room for, and shares."""
        chosen = options.max_seq_len
        most = limit(self.tokenizer, self.config, chosen, "max_seq_len")
        length = min(most, _SEQ_LEN) if chosen is None else most
        around = self.tokenizer.num_special_tokens_to_add(pair=True)
        room = length - question - around
        if room < 1:
            raise ValueError(
                f"the question has {question} tokens, which with {around} special ones "
                f"leaves no room for the context in a window of {length}: shorten it, "
                f"or choose a max_question_len, or a greater max_seq_len."
            )
        if options.doc_stride is not None:
            if options.doc_stride > length:
                raise ValueError(
                    f"doc_stride must be at most max_seq_len, which is {length}, but "
                    f"is {options.doc_stride}."
                )
            return room, options.doc_stride
        stride = min(length // 2, _STRIDE)
        return room, stride if stride < room else room // 2


def _has_lists(given: Any, keys: tuple[str, ...]) -> bool:
    held = mapping_of(given, keys) if isinstance(given, Mapping) else None
    return held is not None and len(held) == 2 and _is_list(held["question"])


def _is_list(given: Any) -> bool:
    """Tell several texts, such as a list or a column of a table, from one."""
    return isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping))


def _pairs(question: Any, context: Any) -> Any:
    """Put questions and contexts together: one pair, or a list of them."""
    if not _is_list(question):
        if _is_list(context):
            raise TypeError(
                "question is one and context several: give a question for each."
            )
        return {"question": question, "context": context}
    questions = list(question)
    contexts = list(context) if _is_list(context) else [context] * len(questions)
    if len(questions) != len(contexts):
        raise ValueError(
            f"question and context must be of one length, but have {len(questions)} "
            f"and {len(contexts)} entries."
        )
    return [
        {"question": one, "context": its}
        for one, its in zip(questions, contexts, strict=True)
    ]


def _collect(
    answers: dict[str, dict[str, Any]],
    context: Pieces,
    window: tuple[int, int],
    spans: Spans,
    align: bool,
) -> None:
    """Add a window's answers to those of the windows before it."""
    begins, ends = _characters(cast(Places, context.places), window, spans, align)
    columns = zip(begins.tolist(), ends.tolist(), spans.scores.tolist(), strict=True)
    for begin, end, score in columns:
        # With the blank in front, which transformers' answers have.
        key = context.text[begin:end].lower()
        if key in answers:
            answers[key]["score"] += score
            continue
        start = trimmed(context.text, begin, end)
        answer = context.text[start:end]
        answers[key] = {"score": score, "start": start, "end": end, "answer": answer}


def _characters(
    places: Places, window: tuple[int, int], spans: Spans, align: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Give first characters and the ones after the last, of pieces or their words."""
    firsts, lasts = spans.firsts + window[0], spans.lasts + window[0]
    if align:
        # A word at the edge of a window is as long as its pieces in the window.
        words = places.words[slice(*window)]
        firsts = window[0] + np.searchsorted(words, places.words[firsts], "left")
        lasts = window[0] + np.searchsorted(words, places.words[lasts], "right") - 1
    return places.begins[firsts], places.ends[lasts]
