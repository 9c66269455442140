import pytest

from albert.common.tuning.squad import normalised, overlap, squad_scores


def test_normalisation():
    assert normalised("The  Quick, brown-fox\n(an A)!") == "quick brownfox"


@pytest.mark.parametrize(
    ("answer", "gold", "value"),
    [
        ("the cat sat", "a cat", 2 / 3),
        ("cat cat dog", "cat dog dog", 2 / 3),
        ("dog", "cat", 0.0),
        ("", "", 1.0),
        ("", "cat", 0.0),
        ("the", "a", 1.0),
    ],
)
def test_overlap(answer, gold, value):
    assert overlap(answer, gold) == pytest.approx(value)


def test_the_best_of_several_counts_and_none_means_no_answer():
    found = squad_scores(
        ["Denver Broncos", "", "x", "dogs"],
        [["Broncos", "the Denver Broncos"], [], [], ["the cat", "big dogs"]],
    )
    assert found["exact"] == pytest.approx((1 + 1 + 0 + 0) / 4)
    assert found["f1"] == pytest.approx((1 + 1 + 0 + 2 / 3) / 4)
