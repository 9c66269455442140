"""Options of commands that read a corpus."""

from __future__ import annotations

import argparse
from typing import Any

from albert.cli.arguments import not_empty
from albert.common.data.documents import FORMS
from albert.common.data.sentences import SEGMENTS
from albert.common.data.sources import Reading


def add_corpus(parser: Any) -> None:
    """Add what is read, and how."""
    parser.add_argument(
        "--input",
        nargs="+",
        required=True,
        metavar="FILE",
        type=not_empty,
        help="files: .txt with blank lines between documents, .jsonl, either of them "
        "with .gz behind it, or .parquet; folders that `datasets` has saved; datasets "
        "on the hub such as owner/name, which are streamed",
    )
    parser.add_argument(
        "--input-format",
        choices=tuple(FORMS),
        help="what the files are (default: what the ending of each says)",
    )
    parser.add_argument(
        "--text-field",
        default=Reading.text_field,
        metavar="NAME",
        help="the field with the text, where there are fields (default: %(default)s)",
    )
    parser.add_argument(
        "--split",
        default=Reading.split,
        metavar="NAME",
        help="of a dataset (default: %(default)s)",
    )
    parser.add_argument(
        "--subset",
        metavar="NAME",
        help="of a dataset on the hub: its configuration (default: its only one)",
    )
    parser.add_argument(
        "--segments",
        choices=SEGMENTS,
        default=SEGMENTS[0],
        help="what a document is made of: the sentences of its lines (default), or its "
        "lines, if each is a sentence already",
    )


def add_progress(parser: Any) -> None:
    """Add whether to show how far a command is."""
    parser.add_argument(
        "--progress",
        action="store_true",
        help="show on stderr how far it is, as is done anyway if that is a terminal",
    )


def reading_of(chosen: argparse.Namespace) -> Reading:
    """Give the chosen way of reading."""
    return Reading(chosen.text_field, chosen.input_format, chosen.split, chosen.subset)
