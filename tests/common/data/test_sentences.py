"""Where sentences end."""

# ruff: noqa: RUF001

import pytest

from albert.common.data.sentences import split_document, split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["It rained.", "The street was wet!", "Why?", "42 people asked."],
        ['He said "No."', '"Yes," she said.', "(Both left.)", "[1] It ended."],
        [
            "It weighs 3.5 kg. or so.",
            "See fig. 3 and Dr. J. R. Smith of the U.S. Army.",
        ],
        ["Wait… what?", "Éric came.", "Ωmega too."],
        ["one. two. three"],
        ["今日は雨です。", "「本当?」", "はい。", "そうです！"],
        ["यह एक वाक्य है।", "दूसरा वाक्य।"],
        ["George H. W. Bush wrote e.g. this.", "He left."],
        ["No end"],
    ],
)
def test_sentences(sentences):
    glue = "" if sentences[0][0] == "今" else "  "
    assert split_sentences(glue.join(sentences)) == sentences or glue == ""
    if not glue:
        joined = split_sentences(glue.join(sentences))
        assert "".join(joined) == "".join(sentences)
        assert joined[0] == sentences[0]
        assert joined[-1] == sentences[-1]


def test_nothing_but_blanks_is_lost():
    text = "A. b? C!D 'E.' F... G\t\n\n  H. I\u2029J. K\r\nl"
    for segments in ("sentences", "lines"):
        parts = split_document(text, segments)
        assert "".join("".join(parts).split()) == "".join(text.split())
        assert all(part == part.strip() and part for part in parts)


def test_lines_are_segments():
    text = "One. Two.\n\n  Three. \nFour"
    assert split_document(text, "lines") == ["One. Two.", "Three.", "Four"]
    assert split_document(text, "sentences") == ["One.", "Two.", "Three.", "Four"]
    assert split_document(" \n\n", "sentences") == []
