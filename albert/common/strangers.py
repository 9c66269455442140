"""Checkpoints of other models that are taken for ALBERT, refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterable

_STRANGERS = (
    (
        r"layer_shared|word_embeddings_2",
        "brightmart's albert_zh (scope layer_shared)",
        "its embeddings and its masked-LM head are built in another way",
    ),
    (
        r"(^|[./])electra[./]|discriminator_predictions|generator_predictions",
        "ELECTRA",
        "its layers do not share weights, and its head tells replaced words",
    ),
    (
        r"(^|[./])distilbert[./]|(^|[./])transformer\.layer\.\d+\.attention\.\w_lin\.",
        "DistilBERT",
        "its layers do not share weights",
    ),
    (
        r"(^|[./])roberta[./]",
        "RoBERTa",
        "its layers do not share weights",
    ),
    (
        r"[./]rel_attn[./]",
        "XLNet",
        "its layers do not share weights",
    ),
    (
        # DeBERTa, ViT, MPNet and others have taken over BERT's names.
        r"(^|[./])encoder[./]layer[._/]+\d|transformer/layer_\d",
        "BERT or a model built like it",
        "its layers do not share weights",
    ),
)


def refuse_strangers(names: Iterable[str], source: str) -> None:
    """Refuse weights that are certainly another model's.

    Args:
        names: of the arrays in the file.
        source: what to call the file.

    Raises:
        ValueError: the names are those of another model; the text says which.
    """
    held = list(names)
    for pattern, model, reason in _STRANGERS:
        example = next((name for name in held if re.search(pattern, name)), None)
        if example is not None:
            raise ValueError(
                f"{source!r} is a checkpoint of {model}, which cannot be loaded as "
                f"ALBERT: {reason} ({example})."
            )
