"""ALBERT for Keras 3 on TensorFlow."""

import keras

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"albert.tf needs Keras on TensorFlow, but Keras runs on "
        f"{keras.backend.backend()!r}: set KERAS_BACKEND=tensorflow before Keras is "
        f"imported."
    )

from albert.tf.models import (
    TFAlbertForMaskedLM,
    TFAlbertForMultipleChoice,
    TFAlbertForPreTraining,
    TFAlbertForQuestionAnswering,
    TFAlbertForSequenceClassification,
    TFAlbertForTokenClassification,
    TFAlbertModel,
)
from albert.tf.outputs import TFAlbertForPreTrainingOutput
from albert.tf.pretrained import TFAlbertPreTrainedModel

__all__ = [
    "TFAlbertForMaskedLM",
    "TFAlbertForMultipleChoice",
    "TFAlbertForPreTraining",
    "TFAlbertForPreTrainingOutput",
    "TFAlbertForQuestionAnswering",
    "TFAlbertForSequenceClassification",
    "TFAlbertForTokenClassification",
    "TFAlbertModel",
    "TFAlbertPreTrainedModel",
]
