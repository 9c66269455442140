"""Google's tokenization once more, written down straight, as the tests' truth."""

import re
import unicodedata
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

from sentencepiece import SentencePieceProcessor

from albert.common.hub import find_files

# The vocabulary alone, without the settings beside it.
_folder = TemporaryDirectory()
DEMO = Path(_folder.name)
copy(find_files("albert-demo").fetch(["spiece.model"]) / "spiece.model", DEMO)
GOOGLE = Path(__file__).parents[4] / "shared/data/sentencepiece/google_albert_english"
SPECIAL = ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")


def preprocess(text, lower=True, keep_accents=False):
    text = " ".join(text.strip().split())
    text = text.replace("``", '"').replace("''", '"')
    if not keep_accents:
        text = unicodedata.normalize("NFKD", text)
        text = "".join([c for c in text if not unicodedata.combining(c)])
    return text.lower() if lower else text


class Truth:
    """SentencePiece and the rules around it."""

    def __init__(self, folder):
        data = (folder / "spiece.model").read_bytes()
        self.starting = SentencePieceProcessor(model_proto=data)
        # Field 3 of field 3: normalizer_spec.add_dummy_prefix = false.
        self.continuing = SentencePieceProcessor(model_proto=data + b"\x1a\x02\x18\x00")

    def pieces(self, text, processor):
        new = []
        for piece in processor.encode(text, out_type=str):
            if len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit():
                number = piece[:-1].replace("▁", "")
                again = self.starting.encode(number, out_type=str)
                if piece[0] != "▁" and again[0][0] == "▁":
                    if len(again[0]) == 1:
                        again = again[1:]
                    else:
                        again[0] = again[0][1:]
                new.extend([*again, ","])
            else:
                new.append(piece)
        return new

    def ids(self, text, **how):
        found = []
        parts = re.split("(" + "|".join(map(re.escape, SPECIAL)) + ")", text)
        for number, part in enumerate(parts):
            if part in SPECIAL:
                found.append(self.starting.piece_to_id(part))
                continue
            continues = number > 0 and part and not part[0].isspace()
            processor = self.continuing if continues else self.starting
            pieces = self.pieces(preprocess(part, **how), processor)
            found.extend(map(self.starting.piece_to_id, pieces))
        return found
