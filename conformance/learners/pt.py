"""The plain training step in PyTorch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from albert.common.config import AlbertConfig
from albert.common.training.rules import OptimizerSettings
from albert.pt import AlbertForPreTraining
from albert.pt.optimizers import clip_by_global_norm, make_optimizer
from conformance.backends import device_options
from conformance.learners import Arrays


class Learner:
    """See `conformance.learners.Learner`."""

    def __init__(self, parameters: dict[str, Any], model: Any = None) -> None:
        self.parameters, self.model = parameters, model
        self.first = {name: one.detach().clone() for name, one in parameters.items()}

    @classmethod
    def from_checkpoint(cls, folder: str | Path) -> Any:
        """Load a model."""
        model = AlbertForPreTraining.from_pretrained(folder, **device_options()).train()
        found = dict(model.named_parameters())
        return cls(
            {r.canonical: found[r.canonical] for r in model.weight_rows()}, model
        )

    @classmethod
    def from_arrays(cls, config: AlbertConfig, weights: Arrays) -> Any:
        """Take weights."""
        return cls({n: torch.nn.Parameter(torch.tensor(weights[n])) for n in weights})

    @torch.no_grad()
    def start(self, settings: OptimizerSettings) -> None:
        """Start again."""
        for name, parameter in self.parameters.items():
            parameter.copy_(self.first[name])
        given = self.model or self.parameters.items()
        self.optimizer = make_optimizer(given, settings, 0.0)
        self.limit = settings.limit

    def differentiate(self, batch: Arrays) -> tuple[Arrays, Any]:
        """Run `backward`."""
        self.optimizer.zero_grad()
        outputs = self.model(**{n: torch.tensor(a).long() for n, a in batch.items()})
        outputs.loss.backward()
        given = {"loss": outputs.loss, "sop_logits": outputs.sop_logits}
        gradients = [parameter.grad for parameter in self.parameters.values()]
        return {
            name: one.detach().cpu().numpy() for name, one in given.items()
        }, gradients

    def update(self, gradients: Any, rate: np.float32) -> float:
        """Make one update."""
        for parameter, one in zip(self.parameters.values(), gradients, strict=True):
            parameter.grad = one
        _, norm = clip_by_global_norm(gradients, self.limit)
        if math.isfinite(norm):
            for group in self.optimizer.param_groups:
                group["lr"] = float(rate)
            self.optimizer.step()
        return float(norm)

    def canonical(self, gradients: Any) -> Arrays:
        """Turn into arrays."""
        pairs = zip(self.parameters, gradients, strict=True)
        return {name: one.detach().cpu().numpy().copy() for name, one in pairs}

    def native(self, gradients: Arrays) -> Any:
        """Turn into tensors."""
        return [torch.tensor(gradients[name]) for name in self.parameters]

    def weights(self) -> Arrays:
        """Copy the weights."""
        return self.canonical(self.parameters.values())

    def moments(self) -> tuple[Arrays, Arrays]:
        """Copy the moments."""
        states = [self.optimizer.state[one] for one in self.parameters.values()]
        return (
            self.canonical([state["exp_avg"] for state in states]),
            self.canonical([state["exp_avg_sq"] for state in states]),
        )
