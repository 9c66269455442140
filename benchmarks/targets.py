"""What the issue asks for, and how a measurement is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.alternate import Ratio

MET, MISSED, NOISY, SAID = "met", "MISSED", "noisy", "for information"
AIM_MISSED = "missed, an aim"

Shape = tuple[int, int]
SHAPES: tuple[Shape, ...] = ((1, 16), (1, 128), (8, 128), (2, 512))


@dataclass(frozen=True)
class Target:
    """Times of one call of ours and one of a peer, at some shapes.

    Args:
        item: number in the issue.
        what: is compared.
        ours: contender and call.
        peer: likewise.
        wanted: least ratio by shape; None says the ratio and judges nothing.
        peak: type whose matrix peak bounds it, or None.
        share: of the peak, by shape, which `wanted` meant on the issue's processor.
        by_share: see `benchmarks.bound`.
        aim: whether it is wished for and not asked for.
    """

    item: int
    what: str
    ours: tuple[str, str]
    peer: tuple[str, str]
    wanted: Mapping[Shape, float | None]
    peak: str | None = None
    share: Mapping[Shape, float] = field(default_factory=dict)
    by_share: bool = False
    aim: bool = False


def _everywhere(ratio: float | None) -> dict[Shape, float | None]:
    return dict.fromkeys(SHAPES, ratio)


FORWARD = "forward"
LEAST_SHARE = 0.85
"""Of the machine's float32 peak, at 8 x 128."""

# `share` is what the ratio means on the processor where it was found: the
# arithmetic, by the peer's time there divided by the ratio, by the peak of 490
# (float32) or 1020 GFLOP/s (bfloat16). The issue has no time of the peer's training
# step: it is taken to run at the rate of its forward pass at 8 x 128.
GROUPS: dict[str, tuple[Target, ...]] = {
    "PyTorch float32": (
        Target(
            1,
            "PyTorch float32",
            ("albert-pt", FORWARD),
            ("transformers-pt", FORWARD),
            {(1, 16): 3.3, (1, 128): 2.4, (8, 128): 2.3, (2, 512): 2.1},
            "float32",
            {(1, 16): 0.55, (1, 128): 0.79, (8, 128): LEAST_SHARE, (2, 512): 0.75},
            by_share=True,
        ),
        Target(
            1,
            "PyTorch float32",
            ("albert-pt", FORWARD),
            ("onnxruntime", FORWARD),
            _everywhere(1.0),
        ),
    ),
    "PyTorch training": (
        Target(
            1,
            "PyTorch training step",
            ("albert-pt", "train"),
            ("transformers-pt", "train"),
            {(2, 128): 1.7, (8, 128): 1.7},
            "float32",
            {(2, 128): 0.62, (8, 128): 0.62},
            aim=True,
        ),
    ),
    "PyTorch bfloat16": (
        Target(
            1,
            "PyTorch bfloat16",
            ("albert-pt-bf16", FORWARD),
            ("transformers-pt-bf16", FORWARD),
            {(1, 128): 1.4, (8, 128): 1.4},
            "bfloat16",
            {(1, 128): 0.63, (8, 128): 0.77},
            by_share=True,
        ),
    ),
    "TensorFlow": (
        Target(
            2,
            "TensorFlow, plain call",
            ("albert-tf", FORWARD),
            ("transformers-tf", "eager"),
            {(1, 16): 5.0},
        ),
        Target(
            2,
            "TensorFlow, plain call",
            ("albert-tf", FORWARD),
            ("transformers-tf", "graph"),
            _everywhere(1.1),
            "float32",
            {(8, 128): 0.89, (2, 512): 0.87},
        ),
        Target(
            2,
            "TensorFlow, plain call",
            ("albert-tf", FORWARD),
            ("transformers-tf", "xla"),
            _everywhere(None),
        ),
        Target(
            2,
            "TensorFlow, plain call",
            ("albert-tf", FORWARD),
            ("keras-hub-tf", FORWARD),
            _everywhere(1.1),
            "float32",
            {(8, 128): 0.83, (2, 512): 0.81},
        ),
    ),
    "Flax": (
        Target(
            3,
            "Flax, plain call",
            ("albert-flax", FORWARD),
            ("transformers-flax", "jit"),
            _everywhere(1.1),
            "float32",
            {(8, 128): 0.82, (2, 512): 0.85},
        ),
        Target(
            3,
            "Flax, plain call",
            ("albert-flax", FORWARD),
            ("keras-hub-jax", FORWARD),
            _everywhere(1.0),
            "float32",
            {(8, 128): 0.83, (2, 512): 0.73},
        ),
        Target(
            3,
            "Flax, jitted call",
            ("albert-flax", "jit"),
            ("transformers-flax", "jit"),
            _everywhere(None),
        ),
    ),
    "int8": (
        Target(
            6,
            "PyTorch int8, against our bfloat16",
            ("albert-pt-int8", FORWARD),
            ("albert-pt-bf16", FORWARD),
            {(1, 128): 1.0, (8, 128): 1.0},
            aim=True,
        ),
    ),
}
"""Targets that are measured together, in the same turns."""


@dataclass
class Line:
    """One target at one shape, measured and judged.

    Args:
        item: number in the issue.
        what: is compared.
        shape: or whatever else was varied, as a text.
        ours: contender, and our figure with its unit.
        peer: likewise.
        ratio: peer by ours, so that more is better; None if it could not be measured.
        spread: see `benchmarks.alternate.Ratio`.
        wanted: least ratio; None if nothing is asked for.
        verdict: one of the constants above.
        note: what else must be known, such as by what it was judged.
    """

    item: int
    what: str
    shape: str
    ours: str
    peer: str
    ratio: float | None
    spread: float
    wanted: float | None
    verdict: str
    note: str = ""

    def __str__(self) -> str:
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f} ±{self.spread:.2f}"
        wanted = "" if self.wanted is None else f"wanted {self.wanted:.2f}  "
        note = f"  ({self.note})" if self.note else ""
        return (
            f"{self.item}  {self.what:34}  {self.shape:9}  {self.ours:28}  "
            f"{self.peer:32}  {ratio:12}  {wanted}{self.verdict}{note}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the fields, as the result's JSON has them."""
        return asdict(self)


def verdict(ratio: Ratio, wanted: float | None, aim: bool = False) -> str:
    """Judge a ratio; noise that could have decided leaves it open.

    Args:
        ratio: measured.
        wanted: at least that; None judges nothing.
        aim: whether it is only wished for.

    Returns:
        One of the constants above.
    """
    if wanted is None:
        return SAID
    if not ratio.clear_of(wanted):
        return NOISY
    if ratio.value >= wanted:
        return MET
    return AIM_MISSED if aim else MISSED


def permitted(peer: float, flops: float, peak: float) -> float:
    """Give the ratio of a pass that runs at the machine's peak.

    Args:
        peer: the peer's seconds.
        flops: of the pass.
        peak: operations a second.
    """
    return peer * peak / flops


def failed(item: int, what: str, shape: str, reason: str) -> Line:
    """Give the line of what could not be measured; it counts as missed."""
    return Line(item, what, shape, "-", "-", None, 0.0, None, MISSED, reason)


def exit_code(lines: list[Line]) -> int:
    """Give 1 if a target was missed, 2 if none was but noise left one open, or 0."""
    verdicts = {line.verdict for line in lines}
    return 1 if MISSED in verdicts else 2 if NOISY in verdicts else 0
