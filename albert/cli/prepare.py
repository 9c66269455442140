"""`albert prepare`: documents to examples for pre-training, in Parquet."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from albert.cli.arguments import not_empty, positive
from albert.cli.corpus import add_corpus, add_progress, reading_of
from albert.common.data.settings import PrepareSettings

_WIDTH = 11
_DEFAULT = PrepareSettings()


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "prepare",
        help="make examples for pre-training of a corpus",
        description="Make examples for pre-training: pairs of consecutive text, half "
        "of them swapped, and words to mask. A run that was stopped is gone on with by "
        "the same command; the same command always writes the same bytes, with "
        "however many workers.",
        epilog="example: albert prepare --input corpus.txt more.jsonl.gz --tokenizer "
        "albert-demo --output shards --max-length 128",
    )
    add_corpus(parser)
    parser.add_argument(
        "--output",
        required=True,
        metavar="DIR",
        type=not_empty,
        help="a folder that is new or empty, or that of the same run",
    )
    parser.add_argument(
        "--tokenizer",
        required=True,
        metavar="NAME",
        type=not_empty,
        help="a folder with a tokenizer, such as train-tokenizer writes, a repository "
        "on the hub, or albert-demo",
    )
    _add_examples(parser)
    _add_masks(parser)
    parser.add_argument(
        "--seed",
        type=int,
        default=_DEFAULT.seed,
        help="of all that is drawn (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="processes (default: one for each core)",
    )
    parser.add_argument(
        "--shard-bytes",
        type=positive,
        metavar="N",
        default=_DEFAULT.shard_bytes,
        help="text of a shard, in bytes (default: %(default)s)",
    )
    add_progress(parser)
    parser.set_defaults(run=run)


def _add_examples(parser: Any) -> None:
    parser.add_argument(
        "--max-length",
        type=positive,
        metavar="N",
        default=_DEFAULT.max_length,
        help="tokens of a row, special ones included (default: %(default)s)",
    )
    parser.add_argument(
        "--short-probability",
        type=float,
        metavar="P",
        default=_DEFAULT.short_probability,
        help="part of the documents with shorter rows (default: %(default)s)",
    )
    parser.add_argument(
        "--no-sop",
        action="store_true",
        help="rows of consecutive text instead of pairs: for masked words only",
    )
    parser.add_argument(
        "--dupe-factor",
        type=positive,
        metavar="N",
        default=_DEFAULT.dupe_factor,
        help="how often each document is gone through (default: %(default)s)",
    )


def _add_masks(parser: Any) -> None:
    parser.add_argument(
        "--static",
        action="store_true",
        help="draw masks now and store them (default: they are drawn anew in each "
        "epoch, when rows are read)",
    )
    parser.add_argument(
        "--mask-probability",
        type=float,
        metavar="P",
        default=_DEFAULT.mask_probability,
        help="part of a row's tokens that is masked (default: %(default)s)",
    )
    parser.add_argument(
        "--max-predictions",
        type=positive,
        metavar="N",
        help="the most masked tokens of a row (default: that part of --max-length; the "
        "original has 20)",
    )
    parser.add_argument(
        "--ngram",
        type=positive,
        metavar="N",
        default=_DEFAULT.ngram,
        help="the most words masked in one run (default: %(default)s)",
    )


def run(chosen: argparse.Namespace) -> int:
    """Prepare and print.

    Args:
        chosen: the command's arguments, as parsed.

    Returns:
        0.

    Raises:
        ImportError: pyarrow or datasets is not installed.
        OSError: an input, the tokenizer or room on the disk is missing.
        RuntimeError: a worker was killed.
        ValueError: an input cannot be read or holds no text, an option is out of
            range, or the folder holds another run's data.
    """
    from albert.common.auto import AutoTokenizer
    from albert.common.data.preparing import Prepared, prepare

    settings = PrepareSettings(
        segments=chosen.segments,
        sentence_order=not chosen.no_sop,
        static=chosen.static,
        dupe_factor=chosen.dupe_factor,
        max_length=chosen.max_length,
        max_predictions=chosen.max_predictions,
        mask_probability=chosen.mask_probability,
        ngram=chosen.ngram,
        short_probability=chosen.short_probability,
        seed=chosen.seed,
        shard_bytes=chosen.shard_bytes,
    )
    done: Prepared = prepare(
        chosen.input,
        chosen.output,
        AutoTokenizer.from_pretrained(chosen.tokenizer),
        settings,
        reading_of(chosen),
        workers=chosen.workers,
        progress=chosen.progress or sys.stderr.isatty(),
    )
    _print(done, chosen.output)
    return 0


def _print(done: Any, output: str) -> None:
    counts = done.info.counts
    blank = f", {counts['blank']:,} blank ones left out" if counts["blank"] else ""
    _line("documents", f"{counts['documents']:,}{blank}")
    _line("rows", f"{counts['rows']:,}, of {counts['tokens']:,} tokens")
    _line(
        "order",
        f"{counts['in_order']:,} in order, {counts['swapped']:,} swapped, "
        f"{counts['one_text']:,} of one text",
    )
    if done.new_documents:
        _line(
            "speed",
            f"{done.new_documents / done.seconds:,.0f} documents/s, "
            f"{done.new_tokens / done.seconds:,.0f} tokens/s",
        )
    _line("wrote" if done.seconds else "there", output)


def _line(title: str, text: str) -> None:
    print(f"{title:{_WIDTH}}{text}")
