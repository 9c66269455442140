import pytest

from albert.common.config import AlbertConfig
from albert.common.tuning.recipe import Recipe, default_rate


@pytest.mark.parametrize(
    ("preset", "rate"),
    [
        ("albert-base-v2", 2e-5),
        ("albert-large-v2", 1e-5),
        ("albert-xlarge-v2", 5e-6),
        ("albert-xxlarge-v2", 5e-6),
    ],
)
def test_wider_models_get_lower_rates(preset, rate):
    assert default_rate(AlbertConfig.preset(preset)) == rate


def test_steps_follow_from_epochs(config):
    found = Recipe(epochs=2.5, batch_size=4).settings(10, config())
    assert (found.steps, found.warmup_steps) == (7, 1)
    assert (found.eval_every, found.save_every) == (3, 3)
    assert found.optimizer.name == "adamw"
    assert found.learning_rate == default_rate(config())
    assert Recipe(steps=40, learning_rate=0.1).settings(10, config()).steps == 40


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"epochs": 0.0}, "epochs must be above 0 and finite, but is 0.0."),
        ({"warmup": 1.5}, "warmup must be from 0 to 1, but is 1.5."),
        ({"batch_size": 0}, "batch_size must be at least 1, but is 0."),
    ],
)
def test_a_recipe_is_checked(changes, error):
    with pytest.raises(ValueError) as found:
        Recipe(**changes)
    assert str(found.value) == error
