# Linen types what `apply` gives as a union with the variables.
# pyright: reportArgumentType=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false

import flax.linen as nn
import numpy as np

from albert.flax.heads import FlaxAlbertMLMHead, FlaxAlbertSOPHead
from conformance import oracle


class _Tied(nn.Module):
    """A head and the table that it is tied to."""

    config: object

    def setup(self):
        """Make both."""
        self.words = nn.Embed(101, 5)
        self.predictions = FlaxAlbertMLMHead(self.config)  # pyright: ignore

    def __call__(self, hidden_states):
        """Score."""
        return self.predictions(hidden_states, self.words)


def test_scores_of_pieces_equal_the_oracle(config, load, weights):
    params = load("AlbertForPreTraining").params
    hidden = np.random.default_rng(0).normal(size=(3, 7, 24)).astype(np.float32)
    found = _Tied(config).apply(
        {
            "params": {
                "predictions": params["predictions"],
                "words": params["albert"]["embeddings"]["word_embeddings"],
            }
        },
        hidden,
    )
    right = oracle.score_pieces(config, weights("AlbertForPreTraining"), hidden)
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-5)


def test_scores_of_order_equal_the_oracle(config, load, weights):
    params = load("AlbertForPreTraining").params["sop_classifier"]
    pooled = np.random.default_rng(0).normal(size=(3, 24)).astype(np.float32)
    found = FlaxAlbertSOPHead(config).apply({"params": params}, pooled)
    name = "sop_classifier.classifier"
    right = oracle.linear(weights("AlbertForPreTraining"), name, pooled)
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-5)
