from albert.common.config import AlbertConfig
from albert.common.names import weights
from albert.common.training.freezing import frozen

ROWS = weights(
    AlbertConfig(hidden_size=8, num_attention_heads=2, intermediate_size=16),
    "AlbertForSequenceClassification",
)


def _left(freeze):
    stays = frozen(ROWS, freeze)
    return [row.canonical for row in ROWS if row not in stays]


def test_parts_that_learn():
    assert len(_left(None)) == len(ROWS)
    learning = _left("embeddings")
    assert len(learning) == len(ROWS) - 5
    assert not any("embeddings." in name for name in learning)
    assert _left("encoder") == [
        "albert.pooler.weight",
        "albert.pooler.bias",
        "classifier.weight",
        "classifier.bias",
    ]
