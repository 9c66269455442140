"""The models by the names that transformers' users give before they know them."""

from typing import Any

from albert.common.auto import AutoModelClass
from albert.common.config import AlbertConfig
from albert.pt import models
from albert.pt.pretrained import _target_dtype


class _AutoModelClass(AutoModelClass):
    @classmethod
    def _build(cls, config: AlbertConfig, dtype: Any, **arguments: Any) -> Any:
        model = cls.model_class(config, **arguments)
        return model if dtype is None else model.to(_target_dtype(dtype))


class AutoModel(_AutoModelClass):
    """Gives a `AlbertModel`."""

    model_class = models.AlbertModel


class AutoModelForPreTraining(_AutoModelClass):
    """Gives a `AlbertForPreTraining`."""

    model_class = models.AlbertForPreTraining


class AutoModelForMaskedLM(_AutoModelClass):
    """Gives a `AlbertForMaskedLM`."""

    model_class = models.AlbertForMaskedLM


class AutoModelForSequenceClassification(_AutoModelClass):
    """Gives a `AlbertForSequenceClassification`."""

    model_class = models.AlbertForSequenceClassification


class AutoModelForMultipleChoice(_AutoModelClass):
    """Gives a `AlbertForMultipleChoice`."""

    model_class = models.AlbertForMultipleChoice


class AutoModelForTokenClassification(_AutoModelClass):
    """Gives a `AlbertForTokenClassification`."""

    model_class = models.AlbertForTokenClassification


class AutoModelForQuestionAnswering(_AutoModelClass):
    """Gives a `AlbertForQuestionAnswering`."""

    model_class = models.AlbertForQuestionAnswering
