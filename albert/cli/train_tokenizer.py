"""`albert train-tokenizer`: a vocabulary of a corpus."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from albert.cli.arguments import not_empty, positive
from albert.cli.corpus import add_corpus, add_progress, reading_of
from albert.common.tokenization.training import VocabularySettings

_DEFAULT = VocabularySettings()


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train-tokenizer",
        help="make a vocabulary of a corpus, as ALBERT's was made",
        description="Make a SentencePiece unigram vocabulary of a corpus, with the "
        "settings of Google's English one, and write spiece.model, tokenizer.json and "
        "tokenizer_config.json.",
        epilog="example: albert train-tokenizer --input corpus.txt more.jsonl.gz "
        "--output my-tokenizer --vocab-size 30000",
    )
    add_corpus(parser)
    parser.add_argument(
        "--output",
        required=True,
        metavar="DIR",
        type=not_empty,
        help="the folder; a tokenizer in it is replaced",
    )
    parser.add_argument(
        "--vocab-size",
        type=positive,
        metavar="N",
        default=_DEFAULT.vocab_size,
        help="pieces, special ones included (default: %(default)s)",
    )
    case = parser.add_mutually_exclusive_group()
    case.add_argument(
        "--lowercase",
        action="store_true",
        help="lower-case all text, now and whenever it is cut (default)",
    )
    case.add_argument("--cased", action="store_true", help="leave capital letters")
    parser.add_argument(
        "--keep-accents",
        action="store_true",
        help="leave accents, which many languages need; ALBERT drops them",
    )
    parser.add_argument(
        "--character-coverage",
        type=float,
        metavar="P",
        default=_DEFAULT.character_coverage,
        help="part of the text's characters that have a piece (default: %(default)s)",
    )
    parser.add_argument(
        "--input-sentence-size",
        type=positive,
        metavar="N",
        default=_DEFAULT.input_sentence_size,
        help="sentences drawn from a larger corpus (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=positive,
        metavar="N",
        default=_DEFAULT.threads,
        help="the same number gives the same bytes (default: %(default)s)",
    )
    parser.add_argument(
        "--model-max-length",
        type=positive,
        metavar="N",
        default=_DEFAULT.model_max_length,
        help="the limit in tokens of the model to be (default: %(default)s)",
    )
    add_progress(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Train and print.

    Args:
        chosen: the command's arguments, as parsed.

    Returns:
        0.

    Raises:
        ImportError: a library for the input is not installed.
        OSError: an input is not there, or the folder cannot be written to.
        ValueError: an input cannot be read, or holds no text or too little.
    """
    from albert.common.data.sentences import split_document
    from albert.common.data.sources import documents_of, open_sources
    from albert.common.tokenization.training import train_tokenizer

    settings = VocabularySettings(
        vocab_size=chosen.vocab_size,
        do_lower_case=not chosen.cased,
        keep_accents=chosen.keep_accents,
        character_coverage=chosen.character_coverage,
        input_sentence_size=chosen.input_sentence_size,
        threads=chosen.threads,
        model_max_length=chosen.model_max_length,
    )
    sources = open_sources(chosen.input, reading_of(chosen))
    texts = (
        segment
        for document in documents_of(sources)
        for segment in split_document(document, chosen.segments)
    )
    tokenizer = train_tokenizer(
        texts, chosen.output, settings, progress=chosen.progress or sys.stderr.isatty()
    )
    print(f"pieces     {len(tokenizer):,}")
    print(f"wrote      {chosen.output}")
    return 0
