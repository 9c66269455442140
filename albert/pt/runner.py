"""NumPy in, NumPy out: how tasks and conformance call a model."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from albert.common.inputs import words_asked
from albert.pt.fast import padding_unread


class Runner:
    """A model as tasks call it: NumPy in, some fields of the output out.

    Ids and lengths are not checked here, but in `albert.common.tasks.batching`: what is
    compiled cannot look at values.

    Args:
        model: one of this package's models. It may change between calls, in weights,
            size, type or place; dropout is off while it runs.
    """

    bucketed = False
    """Whether each new shape costs a compilation, so that few shapes are better."""
    unpadded = True
    """Whether padding costs nothing."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __call__(
        self,
        inputs: Mapping[str, np.ndarray],
        fields: Sequence[str],
        at: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """Compute some fields.

        Args:
            inputs: arguments of the call, by name.
            fields: names of the output's fields.
            at: int [B, M], places of the sequence that are wanted; None for all.

        Returns:
            The fields by name, float32 [B, ...], or [B, M, ...] with `at`.
        """
        places = None if at is None else torch.tensor(at, device=self.model.device)
        with _in_inference_mode(self.model), padding_unread():
            outputs = self.model(
                **_tensors(self.model, inputs),
                output_attentions=False,
                output_hidden_states=False,
                return_dict=True,
                **words_asked(self.model.words_field, fields, places),
            )
            found = {
                name: _taken(self.model, outputs, name, places).float()
                for name in fields
            }
        return {name: _to_numpy(value) for name, value in found.items()}


def run(model: Any, inputs: Mapping[str, np.ndarray], **flags: bool) -> dict[str, Any]:
    """Call a model without gradients.

    Args:
        model: one of this package's models.
        inputs: arguments of the call, by name.
        **flags: such as `output_attentions`.

    Returns:
        The outputs that are not None, by name; tuples of arrays stay tuples.
    """
    with torch.no_grad():
        outputs = model(**_tensors(model, inputs), **flags, return_dict=True)
    return {name: _to_numpy(value) for name, value in outputs.items()}


@contextmanager
def _in_inference_mode(model: Any) -> Iterator[None]:
    """Switch gradients off, and dropout in those modules that have it on."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        with torch.inference_mode():
            yield
    finally:
        for module in training:
            module.training = True


def _tensors(model: Any, inputs: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {
        name: torch.tensor(array, device=model.device) for name, array in inputs.items()
    }


def _taken(model: Any, outputs: Any, name: str, places: Any) -> torch.Tensor:
    """Give a field at some places; words are scored at no others."""
    value = outputs[name]
    return value if name == model.words_field else _gather(value, places)


def _gather(value: torch.Tensor, places: torch.Tensor | None) -> torch.Tensor:
    """Take some places of [B, S, ...]: [B, M, ...]."""
    if places is None:
        return value
    rows = torch.arange(len(value), device=value.device)
    return value[rows[:, None], places]


def _to_numpy(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_to_numpy(item) for item in value)
    # NumPy has no bfloat16; float32 holds each of its values exactly.
    value = value.float() if value.dtype == torch.bfloat16 else value
    return value.cpu().numpy()
