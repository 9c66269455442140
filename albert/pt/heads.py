"""The two heads of pre-training.

Letters: B batch, S sequence, P positions to score, E embedding, H hidden, V vocabulary.
"""

import torch
from torch import nn

from albert.common.config import AlbertConfig
from albert.pt.activations import activation
from albert.pt.inputs import check_places


def take_places(
    hidden_states: torch.Tensor, places: torch.Tensor | None
) -> torch.Tensor:
    """Take the places that are to be scored.

    Args:
        hidden_states: float [B, S, H].
        places: int [B, P], or None for all.

    Returns:
        float [B, P, H], or the same [B, S, H].

    Raises:
        ValueError: the places' shape is wrong or one is out of range.

    Source: google-research/albert run_pretraining.py, `gather_indexes`.
    """
    if places is None:
        return hidden_states
    check_places(places, *hidden_states.shape[:2])
    rows = torch.arange(len(hidden_states), device=hidden_states.device)
    return hidden_states[rows[:, None], places]


class AlbertMLMHead(nn.Module):
    """Score every word piece at every position.

    The output layer is the word embedding table, tied by the model that owns both.

    Source: google-research/albert run_pretraining.py, `get_masked_lm_output`.
    """

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.embedding_size)
        self.activation = activation(config.hidden_act)
        self.LayerNorm = nn.LayerNorm(config.embedding_size, eps=config.predictions_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.decoder = nn.Linear(config.embedding_size, config.vocab_size)
        self.decoder.bias = self.bias

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Give the scores.

        Args:
            hidden_states: float [B, S, H].

        Returns:
            float [B, S, V], logits.
        """
        return self.score(self.narrow(hidden_states))

    def narrow(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Make of hidden states what the word embeddings are compared with.

        Args:
            hidden_states: float [..., H].

        Returns:
            float [..., E].
        """
        # narrow, activate, normalise: [..., H] to [..., E]
        narrowed = self.activation(self.dense(hidden_states))
        # Centred twice, here and in the norm: what rounds in the mean of an activation
        # that is mostly positive would shift every score, by most of their error.
        narrowed = narrowed - narrowed.mean(dim=-1, keepdim=True)
        return self.LayerNorm(narrowed)

    def score(self, narrowed: torch.Tensor) -> torch.Tensor:
        """Compare with every word embedding.

        Args:
            narrowed: float [..., E].

        Returns:
            float [..., V], logits.
        """
        return self.decoder(narrowed)


class AlbertSOPHead(nn.Module):
    """Tell whether two segments are in order (0) or swapped (1).

    Source: google-research/albert run_pretraining.py, `get_sentence_order_output`,
    which has no dropout.
    """

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.classifier = nn.Linear(config.hidden_size, 2)

    def forward(self, pooled_output: torch.Tensor) -> torch.Tensor:
        """Give the two scores.

        Args:
            pooled_output: float [B, H].

        Returns:
            float [B, 2], logits.
        """
        return self.classifier(pooled_output)
