"""ALBERT for JAX and Flax."""

from albert.flax.models import (
    FlaxAlbertForMaskedLM,
    FlaxAlbertForMultipleChoice,
    FlaxAlbertForPreTraining,
    FlaxAlbertForQuestionAnswering,
    FlaxAlbertForSequenceClassification,
    FlaxAlbertForTokenClassification,
    FlaxAlbertModel,
)
from albert.flax.outputs import FlaxAlbertForPreTrainingOutput
from albert.flax.pretrained import FlaxAlbertPreTrainedModel

__all__ = [
    "FlaxAlbertForMaskedLM",
    "FlaxAlbertForMultipleChoice",
    "FlaxAlbertForPreTraining",
    "FlaxAlbertForPreTrainingOutput",
    "FlaxAlbertForQuestionAnswering",
    "FlaxAlbertForSequenceClassification",
    "FlaxAlbertForTokenClassification",
    "FlaxAlbertModel",
    "FlaxAlbertPreTrainedModel",
]
