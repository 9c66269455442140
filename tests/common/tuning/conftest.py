from functools import cache

import pytest

from albert.common.config import AlbertConfig
from albert.common.tokenization import AlbertTokenizerFast


@cache
def demo():
    return AlbertTokenizerFast.from_pretrained("albert-demo")


@pytest.fixture
def tokenizer():
    """The demo's, not to be changed."""
    return demo()


@pytest.fixture
def config():
    """Of a small model that reads the demo's ids."""

    def make(**changes):
        return AlbertConfig(
            **{
                "vocab_size": 8192,
                "embedding_size": 6,
                "hidden_size": 12,
                "num_attention_heads": 3,
                "intermediate_size": 20,
                "num_hidden_layers": 2,
                "max_position_embeddings": 32,
                **changes,
            }
        )

    return make
