"""Files of other tools load in every framework and give those tools' own answers."""

import pytest

from albert.common.opening import open_checkpoint
from conformance import written
from conformance.backends import PREFIXES, loader
from conformance.tolerances import FLOAT32

FOLDERS = written.folders()


def test_every_writer_and_every_form_is_there():
    writers = {folder.parent.name for folder in FOLDERS}
    assert writers >= {
        "keras-hub-0.32.0",
        "transformers-4.30.2-pt",
        "transformers-4.57.6-flax",
        "transformers-4.57.6-pt",
        "transformers-4.57.6-tf",
        "transformers-5.23.0-pt",
    }
    dialects = {open_checkpoint(folder).dialect for folder in FOLDERS}
    assert dialects >= {"pytorch", "transformers-tf", "flax", "keras-hub"}


@pytest.mark.parametrize("framework", PREFIXES)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f"{f.parent.name}-{f.name}")
def test_same_answers_as_the_writer(folder, framework):
    result = written.check(loader(framework), folder)
    assert result.failure == ""
    assert result.error <= FLOAT32
    assert result.error <= 2e-5


def test_difference_is_seen(tmp_path):
    """A check that cannot fail would pass with another file's weights, too."""
    one = next(f for f in FOLDERS if f.name == "safetensors")
    for file in one.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    other = next(f for f in FOLDERS if f.name == "safetensors-float16")
    path = "model.safetensors"
    (tmp_path / path).write_bytes((other / path).read_bytes())
    assert written.check(loader("pt"), tmp_path).error > FLOAT32
    (tmp_path / path).write_bytes(b"nothing")
    result = written.check(loader("pt"), tmp_path)
    assert not result.passed
    assert "model.safetensors" in result.failure
