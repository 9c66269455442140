"""Where the vocabularies are, and the tests' truth: Google's rules once more."""

from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

from albert.common.hub import find_files
from conformance.tokenization import Reference as Truth
from conformance.tokenization import preprocess

__all__ = ["DEMO", "GOOGLE", "Truth", "preprocess"]

# The vocabulary alone, without the settings beside it.
_folder = TemporaryDirectory()
DEMO = Path(_folder.name)
copy(find_files("albert-demo").fetch(["spiece.model"]) / "spiece.model", DEMO)
GOOGLE = Path(__file__).parents[4] / "shared/data/sentencepiece/google_albert_english"
