"""The models by the names that transformers' users give before they know them."""

from typing import Any

from albert.common.auto import AutoModelClass
from albert.common.config import AlbertConfig
from albert.tf import models
from albert.tf.pretrained import _target_dtype


class _AutoModelClass(AutoModelClass):
    @classmethod
    def _build(cls, config: AlbertConfig, dtype: Any, **arguments: Any) -> Any:
        policy = None if dtype is None else _target_dtype(dtype)
        return cls.model_class(config, dtype=policy, **arguments)


class TFAutoModel(_AutoModelClass):
    """Gives a `TFAlbertModel`."""

    model_class = models.TFAlbertModel


class TFAutoModelForPreTraining(_AutoModelClass):
    """Gives a `TFAlbertForPreTraining`."""

    model_class = models.TFAlbertForPreTraining


class TFAutoModelForMaskedLM(_AutoModelClass):
    """Gives a `TFAlbertForMaskedLM`."""

    model_class = models.TFAlbertForMaskedLM


class TFAutoModelForSequenceClassification(_AutoModelClass):
    """Gives a `TFAlbertForSequenceClassification`."""

    model_class = models.TFAlbertForSequenceClassification


class TFAutoModelForMultipleChoice(_AutoModelClass):
    """Gives a `TFAlbertForMultipleChoice`."""

    model_class = models.TFAlbertForMultipleChoice


class TFAutoModelForTokenClassification(_AutoModelClass):
    """Gives a `TFAlbertForTokenClassification`."""

    model_class = models.TFAlbertForTokenClassification


class TFAutoModelForQuestionAnswering(_AutoModelClass):
    """Gives a `TFAlbertForQuestionAnswering`."""

    model_class = models.TFAlbertForQuestionAnswering
