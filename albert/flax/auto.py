"""The models by the names that transformers' users give before they know them."""

from typing import Any

from albert.common.auto import AutoModelClass
from albert.common.config import AlbertConfig
from albert.flax import models


class _AutoModelClass(AutoModelClass):
    @classmethod
    def _build(cls, config: AlbertConfig, dtype: Any, **arguments: Any) -> Any:
        given = {} if dtype is None else {"dtype": dtype}
        return cls.model_class(config, **given, **arguments)


class FlaxAutoModel(_AutoModelClass):
    """Gives a `FlaxAlbertModel`."""

    model_class = models.FlaxAlbertModel


class FlaxAutoModelForPreTraining(_AutoModelClass):
    """Gives a `FlaxAlbertForPreTraining`."""

    model_class = models.FlaxAlbertForPreTraining


class FlaxAutoModelForMaskedLM(_AutoModelClass):
    """Gives a `FlaxAlbertForMaskedLM`."""

    model_class = models.FlaxAlbertForMaskedLM


class FlaxAutoModelForSequenceClassification(_AutoModelClass):
    """Gives a `FlaxAlbertForSequenceClassification`."""

    model_class = models.FlaxAlbertForSequenceClassification


class FlaxAutoModelForMultipleChoice(_AutoModelClass):
    """Gives a `FlaxAlbertForMultipleChoice`."""

    model_class = models.FlaxAlbertForMultipleChoice


class FlaxAutoModelForTokenClassification(_AutoModelClass):
    """Gives a `FlaxAlbertForTokenClassification`."""

    model_class = models.FlaxAlbertForTokenClassification


class FlaxAutoModelForQuestionAnswering(_AutoModelClass):
    """Gives a `FlaxAlbertForQuestionAnswering`."""

    model_class = models.FlaxAlbertForQuestionAnswering
