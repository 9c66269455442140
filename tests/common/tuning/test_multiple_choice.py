import numpy as np
import pytest

from albert.common.tuning.kind import Example, TaskSettings
from albert.common.tuning.multiple_choice import ChoiceKind


def _examples(*numbers):
    return [
        Example(
            f"row {at}",
            {"question": "She", "choices": ["sells.", "swims.", "sings."][:number]},
            at % 2,
        )
        for at, number in enumerate(numbers, 1)
    ]


def test_a_row_for_each_choice(tokenizer, config):
    (example,) = _examples(3)
    kind = ChoiceKind(tokenizer, config(), TaskSettings())
    (feature,) = kind.features(example)
    assert (len(feature.rows), feature.labels) == (3, {"labels": 1})


def test_rows_must_have_as_many_choices(config):
    examples = _examples(3, 2)
    with pytest.raises(ValueError) as found:
        ChoiceKind.changes(examples, config(), TaskSettings())
    assert str(found.value) == (
        "row 2: has 2 choices, but the first row has 3: rows to train on must have as "
        "many each."
    )
    assert ChoiceKind.changes(examples[:1], config(), TaskSettings()) == {}


def test_scores_choices(tokenizer, config):
    examples = _examples(2, 3)
    kind = ChoiceKind(tokenizer, config(), TaskSettings())
    encoded = [kind.encode(one) for one in examples]
    outputs = [
        [{"logits": np.array([value])} for value in values]
        for values in ([0.0, 1.0], [2.0, 0.0, 0.0])
    ]
    scored = kind.score(examples, encoded, outputs)
    assert scored.figures["accuracy"] == 1
    loss = (np.log1p(np.exp(-1)) + np.log(np.exp(2) + 2) - 2) / 2
    assert scored.figures["task_loss"] == pytest.approx(loss)
    assert scored.predictions[0]["choice"] == "swims."
    assert scored.predictions[0]["expected"] == 1
    assert scored.constant is None
    same = [[{"logits": np.array([-float(at)])} for at in range(3)]] * 2
    assert kind.score(examples, encoded, [same[0][:2], same[1]]).constant == "choice 0"
