"""ALBERT for PyTorch, Keras and JAX: one configuration, tokenizer and checkpoint.

Importing the package imports no framework; each public name loads its own.
"""

from typing import TYPE_CHECKING

from albert._version import __version__ as __version__
from albert.common.lazy import attribute_loader

_CLASSES = (
    "AlbertPreTrainedModel",
    "AlbertModel",
    "AlbertForPreTraining",
    "AlbertForMaskedLM",
    "AlbertForSequenceClassification",
    "AlbertForMultipleChoice",
    "AlbertForTokenClassification",
    "AlbertForQuestionAnswering",
    "AlbertForPreTrainingOutput",
)
_AUTO = (
    "AutoModel",
    "AutoModelForPreTraining",
    "AutoModelForMaskedLM",
    "AutoModelForSequenceClassification",
    "AutoModelForMultipleChoice",
    "AutoModelForTokenClassification",
    "AutoModelForQuestionAnswering",
)
_MODELS = (*_CLASSES, *_AUTO)
_OPTIMIZERS = ("AdamW", "Lamb")
_PUBLIC = {
    "albert.common.auto": ("AutoConfig", "AutoTokenizer"),
    "albert.common.config": ("AlbertConfig",),
    "albert.common.exporting": ("export",),
    "albert.common.tasks.columns": ("KeyDataset", "KeyPairDataset"),
    "albert.common.tasks.pipeline": ("Pipeline", "pipeline"),
    "albert.common.tasks.streaming": ("InputError",),
    "albert.common.tokenization": (
        "AlbertTokenizer",
        "AlbertTokenizerFast",
        "BatchEncoding",
    ),
    "albert.common.training.schedules": ("PolynomialDecay",),
    "albert.pt": _MODELS,
    "albert.tf": tuple(f"TF{name}" for name in _MODELS),
    "albert.flax": tuple(f"Flax{name}" for name in _MODELS),
    "albert.pt.optimizers": _OPTIMIZERS,
    "albert.tf.optimizers": tuple(f"TF{name}" for name in _OPTIMIZERS),
    "albert.flax.optimizers": tuple(f"Flax{name}" for name in _OPTIMIZERS),
}

__all__ = [name for names in _PUBLIC.values() for name in names]  # pyright: ignore

__getattr__ = attribute_loader(__name__, _PUBLIC)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


if TYPE_CHECKING:
    from albert.common.auto import AutoConfig as AutoConfig
    from albert.common.auto import AutoTokenizer as AutoTokenizer
    from albert.common.config import AlbertConfig as AlbertConfig
    from albert.common.exporting import export as export
    from albert.common.tasks.columns import KeyDataset as KeyDataset
    from albert.common.tasks.columns import KeyPairDataset as KeyPairDataset
    from albert.common.tasks.pipeline import Pipeline as Pipeline
    from albert.common.tasks.pipeline import pipeline as pipeline
    from albert.common.tasks.streaming import InputError as InputError
    from albert.common.tokenization import AlbertTokenizer as AlbertTokenizer
    from albert.common.tokenization import AlbertTokenizerFast as AlbertTokenizerFast
    from albert.common.tokenization import BatchEncoding as BatchEncoding
    from albert.common.training.schedules import PolynomialDecay as PolynomialDecay
    from albert.flax import *
    from albert.flax.optimizers import FlaxAdamW as FlaxAdamW
    from albert.flax.optimizers import FlaxLamb as FlaxLamb
    from albert.pt import *
    from albert.pt.optimizers import AdamW as AdamW
    from albert.pt.optimizers import Lamb as Lamb
    from albert.tf import *
    from albert.tf.optimizers import TFAdamW as TFAdamW
    from albert.tf.optimizers import TFLamb as TFLamb
