import pytest

from albert.common.tuning.labels import label_changes, label_number

CLASS = "AlbertForSequenceClassification"


def _names(config, labels, new_labels=False):
    rows = [(f"row {at}", label) for at, label in enumerate(labels, 1)]
    changes = label_changes(rows, config, CLASS, new_labels)
    assert changes["label2id"] == {b: a for a, b in changes["id2label"].items()}
    return list(changes["id2label"].values())


def test_names_are_sorted_and_numbers_counted(config):
    assert _names(config(), ["b", "a", "b"]) == ["a", "b"]
    assert _names(config(), [2, 0]) == ["LABEL_0", "LABEL_1", "LABEL_2"]
    assert _names(config(), ["10", "2"]) == [f"LABEL_{at}" for at in range(11)]


def test_a_models_own_names_stay_unless_new_ones_are_wanted(config):
    trained = config(id2label={0: "neg", 1: "pos"}, architectures=[CLASS])
    assert _names(trained, ["pos"]) == ["neg", "pos"]
    assert _names(trained, ["b", "a"], new_labels=True) == ["a", "b"]
    other = config(id2label={0: "neg", 1: "pos"}, architectures=["AlbertModel"])
    assert _names(other, ["b", "a"]) == ["a", "b"]
    with pytest.raises(ValueError) as found:
        _names(trained, ["pos", "neutral"])
    assert str(found.value) == (
        "row 2: the label 'neutral' is none of the model's 2: neg, pos. Labels come "
        "from the training data, or from the model if it has names for them, unless "
        "--new-labels says otherwise."
    )


def test_labels_out_of_range(config):
    with pytest.raises(ValueError) as found:
        label_number("row 4", 3, {"a": 0, "b": 1})
    assert str(found.value) == (
        "row 4: the label 3 is out of range: there are 2, from 0 to 1."
    )
    with pytest.raises(ValueError) as found:
        _names(config(), [0, -1])
    assert str(found.value) == (
        "row 2: the label -1 is out of range: numbers of labels begin with 0."
    )
    with pytest.raises(ValueError) as found:
        _names(config(), ["a", None])
    assert str(found.value) == (
        "row 2: label must be a name, as in other rows, but is None."
    )


def test_a_name_of_digits_is_a_name_if_the_model_has_it():
    assert label_number("row 1", "1", {"5": 0, "1": 1}) == 1
    assert label_number("row 1", "1", {"a": 0, "b": 1}) == 1
