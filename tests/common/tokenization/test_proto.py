# ruff: noqa: RUF001

import pytest

from albert.common.tokenization.proto import (
    CONTROL,
    NORMAL,
    UNKNOWN,
    SpmModel,
    _leading_pieces,
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


def piece(*fields):
    body = b"".join(fields)
    assert len(body) < 128
    return bytes([0x0A, len(body)]) + body


TEXT, SCORE = b"\x0a\x01b", b"\x15\x00\x00\x80\xbf"
PLAIN = piece(b"\x0a\x05<unk>", b"\x15\x00\x00\x00\x00", b"\x18\x02")


def test_pieces_in_front_are_read_the_short_way(folder):
    data = (folder / "spiece.model").read_bytes()
    pieces, raw, kinds, at = _leading_pieces(data)
    assert len(pieces) == len(raw) == len(kinds) == len(parse_model(data).pieces)
    # Behind them stands how the model was trained.
    assert data[at] == 0x12


@pytest.mark.parametrize(
    ("data", "score", "kind"),
    [
        (piece(TEXT, SCORE), -1.0, 1),
        (piece(TEXT, SCORE, b"\x18\x04"), -1.0, 4),
        (piece(SCORE, TEXT, b"\x18\x04"), -1.0, 4),
        (piece(b"\x18\x04", TEXT, SCORE), -1.0, 4),
        (piece(TEXT, SCORE, b"\x18\x84\x00"), -1.0, 4),
        (piece(TEXT, SCORE, b"\x20\x05"), -1.0, 1),
        (piece(TEXT, b"\x18\x03"), 0.0, 3),
        (piece(TEXT), 0.0, 1),
        # A size of two bytes, as a writer may have it.
        (b"\x0a\x88\x00" + TEXT + SCORE, -1.0, 1),
    ],
    ids=range(9),
)
def test_pieces_are_read_however_they_are_written(data, score, kind):
    model = parse_model(PLAIN + data + piece(TEXT, SCORE).replace(b"b", b"c"))
    assert model.pieces == ("<unk>", "b", "c")
    assert model.scores == (0.0, score, -1.0)
    assert model.kinds == (2, kind, 1)


def test_long_pieces():
    names = ("<unk>", "a" * 115, "b" * 121, "c" * 127, "d" * 200, "é" * 300, "z")
    model = SpmModel(names, (0.0,) + (-1.0,) * 6, (2, 1, 4, 1, 1, 1, 1))
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
