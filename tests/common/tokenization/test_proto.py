# ruff: noqa: RUF001

import pytest

from albert.common.tokenization.proto import (
    CONTROL,
    NORMAL,
    UNKNOWN,
    SpmModel,
    parse_model,
    serialize_model,
)

from .rules import DEMO


def test_parse_agrees_with_sentencepiece(folder, truth):
    model = parse_model((folder / "spiece.model").read_bytes())
    sp = truth.starting
    ids = range(sp.get_piece_size())
    assert list(model.pieces) == [sp.id_to_piece(i) for i in ids]
    assert list(model.scores) == [sp.get_score(i) for i in ids]
    controls = [i for i, kind in enumerate(model.kinds) if kind == CONTROL]
    assert controls == [i for i in ids if sp.is_control(i)]
    assert model.unk_id == sp.unk_id()
    assert model.user_defined == {*'()"-.–£€'}


def test_written_model_reads_back(folder):
    model = parse_model((folder / "spiece.model").read_bytes())
    assert parse_model(serialize_model(model)) == model


def test_flags_read_back():
    model = SpmModel(("<unk>", "é"), (0.0, -1.5), (2, 1), b"x", False, False, 2, True)
    assert parse_model(serialize_model(model)) == model


def test_no_unknown_piece():
    with pytest.raises(ValueError) as error:
        SpmModel(("a",), (0.0,), (NORMAL,)).unk_id  # noqa: B018
    assert str(error.value) == ("the SentencePiece model has no piece of kind UNKNOWN.")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no model at all",
        b"\x0a\xff",
        b"\x0a\x02\x08\x01",
        b"\x0a\x03\x1a\x01a",
        (DEMO / "spiece.model").read_bytes()[:-3],
    ],
    ids=range(6),
)
def test_what_is_no_model(data):
    with pytest.raises(ValueError) as error:
        parse_model(data, "f.model")
    assert str(error.value) == (
        "f.model is no SentencePiece model: it cannot be read as one. Give the "
        "spiece.model of an ALBERT checkpoint."
    )


def test_unknown_id():
    model = SpmModel(("a", "<unk>"), (-1.0, 0.0), (NORMAL, UNKNOWN))
    assert model.unk_id == 1
