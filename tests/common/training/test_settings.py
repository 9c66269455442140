import pytest

from albert.common.training.rules import OptimizerSettings
from albert.common.training.settings import TrainingSettings


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"steps": 0}, "steps must be at least 1, but is 0."),
        ({"batch_size": 0}, "batch_size must be at least 1, but is 0."),
        ({"keep": 0}, "keep must be at least 1, but is 0."),
        ({"log_every": -1}, "log_every must be at least 1, but is -1."),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0, but is 0.0."),
        (
            {"learning_rate": float("nan")},
            "learning_rate must be a number above 0, but is nan.",
        ),
        ({"sop_weight": -1.0}, "sop_weight must be a number not below 0, but is -1.0."),
        ({"warmup_steps": 8}, "warmup_steps must be from 0 to steps, 7, but is 8."),
        ({"seed": -1}, "seed must be from 0 to 2**63 - 1, but is -1."),
        (
            {"precision": "float8"},
            "precision must be 'float32', 'bfloat16' or 'float16', but is 'float8'.",
        ),
        (
            {"batch_size": 9, "accumulation": 2},
            "batch_size must be a multiple of accumulation, but 9 is none of 2.",
        ),
    ],
)
def test_bad_settings_are_refused(given, text):
    with pytest.raises(ValueError) as error:
        TrainingSettings(**{"steps": 7, **given})
    assert str(error.value) == text


def test_names_what_changes_the_numbers():
    one = TrainingSettings(steps=7)
    assert (
        one.differing(TrainingSettings(steps=7, keep=5, save_every=3).to_dict()) == []
    )
    other = TrainingSettings(steps=8, optimizer=OptimizerSettings("adamw"))
    assert one.differing(other.to_dict()) == ["steps", "optimizer"]
    assert one.differing({}) == ["steps"]


def test_a_run_from_before_a_setting_was_there_had_its_default():
    earlier = TrainingSettings(steps=7).to_dict()
    del earlier["initial"]
    assert TrainingSettings(steps=7).differing(earlier) == []
    new = TrainingSettings(steps=7, initial="neighbours")
    assert new.differing(earlier) == ["initial"]
