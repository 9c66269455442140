"""Settings that are out of range."""

import pytest

from albert.common.data import PrepareSettings


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("segments", "words", "must be one of sentences, lines, but is 'words'."),
        ("max_length", 7, "must be at least 8, but is 7."),
        ("dupe_factor", 0, "must be at least 1, but is 0."),
        ("ngram", 0, "must be at least 1, but is 0."),
        ("shard_bytes", 0, "must be at least 1, but is 0."),
        ("max_predictions", 0, "must be at least 1, but is 0."),
        ("mask_probability", 0.0, "must be above 0 and at most 1, but is 0.0."),
        ("mask_probability", 1.1, "must be above 0 and at most 1, but is 1.1."),
        ("short_probability", -0.1, "must be 0 to 1, but is -0.1."),
        ("seed", -1, "must be 0 to 9223372036854775807, but is -1."),
    ],
)
def test_out_of_range(name, value, text):
    with pytest.raises(ValueError) as caught:
        PrepareSettings(**{name: value})
    assert str(caught.value) == f"{name} {text}"


def test_the_most_predictions_are_the_part_of_the_longest_row():
    lengths = {512: 77, 128: 20, 20: 3, 8: 2}
    for length, most in lengths.items():
        assert PrepareSettings(max_length=length).masking.max_predictions == most
    assert PrepareSettings(max_predictions=20).masking.max_predictions == 20
