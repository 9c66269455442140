import pytest
import tokenizers

from albert.common.tokenization import AddedToken
from albert.common.tokenization.added import TokenFinder, as_added


def _parts(text, *tokens):
    found = TokenFinder(tokens).split(text)
    return [(text[part.start : part.end], part.token, part.continues) for part in found]


def test_no_tokens():
    assert _parts("a b") == [("a b", None, False)]
    assert _parts("") == []


def test_blanks_around_a_token():
    mask = AddedToken("[M]", lstrip=True)
    assert _parts("a  [M] b[M]c", mask) == [
        ("a", None, False),
        ("[M]", "[M]", False),
        (" b", None, False),
        ("[M]", "[M]", False),
        ("c", None, True),
    ]
    right = AddedToken("[R]", rstrip=True)
    assert _parts("a [R]  b", right) == [
        ("a ", None, False),
        ("[R]", "[R]", False),
        ("b", None, True),
    ]


def test_token_before_only_blanks():
    mask, right = AddedToken("[M]", lstrip=True), AddedToken("[R]", rstrip=True)
    assert _parts("[R]  [M] ", mask, right) == [
        ("[R]", "[R]", False),
        ("[M]", "[M]", False),
        (" ", None, False),
    ]


def test_the_longest_wins():
    found = _parts("abc", AddedToken("ab"), AddedToken("abc"))
    assert found == [("abc", "abc", False)]


def test_single_words():
    found = _parts("cat cats a_cat", AddedToken("cat", single_word=True))
    assert found == [("cat", "cat", False), (" cats a_cat", None, False)]


def test_case_counts():
    assert _parts("[m]", AddedToken("[M]")) == [("[m]", None, False)]


def test_what_a_token_can_be_made_of():
    expected = AddedToken("x", lstrip=True, special=True)
    assert as_added(expected) is expected
    assert as_added("x", lstrip=True, special=True) == expected
    assert as_added(expected.as_dict()) == expected
    other = tokenizers.AddedToken("x", lstrip=True, normalized=False, special=True)
    assert as_added(other) == expected
    assert str(expected) == "x"


@pytest.mark.parametrize("value", [7, {"lstrip": True}])
def test_what_it_cannot_be_made_of(value):
    with pytest.raises(TypeError) as error:
        as_added(value, "mask_token")
    assert str(error.value) == (
        f"mask_token must be a str or an AddedToken, got {type(value).__name__}."
    )


def test_empty_token():
    with pytest.raises(ValueError) as error:
        AddedToken("")
    assert str(error.value) == "a token must have at least one character, got ''."
