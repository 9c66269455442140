import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert.common.tokenization.normalize import (
    Cleaning,
    check_text,
    clean,
    clean_aligned,
)

from .hostile import CHEAP, TEXTS
from .rules import preprocess

HOW = st.builds(Cleaning, st.booleans(), st.booleans(), st.booleans())


@CHEAP
@given(TEXTS, HOW)
def test_clean_as_google(text, how):
    found = clean(text, how)
    if how.remove_space:
        assert found == preprocess(text, how.do_lower_case, how.keep_accents)


@CHEAP
@given(TEXTS, HOW)
def test_aligned_is_the_same_text(text, how):
    aligned = clean_aligned(text, how)
    assert "".join(char for char, _, _ in aligned) == clean(text, how)
    assert all(0 <= start < end <= len(text) for _, start, end in aligned)


def test_aligned_by_hand():
    assert clean_aligned(" ``É \n ﬁ", Cleaning()) == [
        ('"', 1, 3),
        ("e", 3, 4),
        (" ", 4, 7),
        ("f", 7, 8),
        ("i", 7, 8),
    ]


def test_space_may_stay():
    assert clean(" a  b ", Cleaning(remove_space=False)) == " a  b "


def test_text_of_the_wrong_kind():
    with pytest.raises(TypeError) as error:
        check_text(b"a", "text_pair")
    assert str(error.value) == (
        "text_pair must be a string, got bytes: give a str, or a list of str for a "
        "batch."
    )


def test_lone_surrogate():
    with pytest.raises(ValueError) as error:
        check_text("ab\udc80")
    assert str(error.value) == (
        "text holds the lone surrogate U+DC80 at character 2, which is no text: "
        "decode the bytes it came from with errors='replace'."
    )
