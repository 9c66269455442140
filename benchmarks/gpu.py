"""Item 9: half precision on a GPU, against transformers in the same run.

Needs CUDA in the Python that runs this and in the environment `transformers-5`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from statistics import median

from benchmarks import alternate, machine, mixed
from benchmarks.alternate import Seat
from benchmarks.session import Session, milliseconds, shape_text
from benchmarks.targets import Shape

PEER = "transformers-pt"
PADDED, MIXED = 1.2, 4.0
SHAPES: tuple[Shape, ...] = ((64, 128), (32, 512))
KINDS = ("float16", "bfloat16")
PRODUCTS = ((8192, 8192, 8192), (16384, 4096, 4096))


def missing() -> str | None:
    """Say in one line what keeps this machine from measuring, or give None."""
    import torch

    if not torch.cuda.is_available():
        return "benchmarks gpu: PyTorch sees no CUDA device here, nothing was measured."
    return None


def jax_has_gpu() -> bool:
    """Whether JAX finds a GPU, asked in a process that ends again."""
    code = "import jax, sys; sys.exit(jax.default_backend() != 'gpu')"
    return subprocess.run([sys.executable, "-c", code]).returncode == 0


def measure(
    session: Session,
    names: Sequence[str],
    device: str = "cuda",
    shapes: Sequence[Shape] = SHAPES,
    products: Sequence[tuple[int, int, int]] = PRODUCTS,
) -> None:
    """Measure both types at the shapes and on the mixed set, and add the lines.

    Args:
        session: of this run.
        names: of our contenders.
        device: "cpu" tries the script out.
        shapes: batch and length.
        products: whose rate is the machine's peak.
    """
    for kind in KINDS:
        session.say(f"{kind} on {device}")
        options = {"device": device, "dtype": kind}
        with session.started([*names, PEER, "matrix"], **options) as workers:
            session.seen(workers)
            for shape in shapes:
                _padded(session, workers, names, kind, shape, products)
        piped = [name for name in names if name in mixed.WANTED]
        mixed.measure(session, dict.fromkeys(piped, MIXED), item=9, **options)


def _padded(
    session: Session,
    workers: dict[str, alternate.Worker],
    names: Sequence[str],
    kind: str,
    shape: Shape,
    products: Sequence[tuple[int, int, int]],
) -> None:
    request = {"call": "forward", "batch": shape[0], "length": shape[1]}
    seats = {name: Seat(workers[name], request) for name in (*names, PEER)}
    for seat, product in machine.products(kind, products).items():
        seats[seat] = Seat(workers["matrix"], product)
    rounds, turn = session.plan.rounds, session.plan.turn
    samples = alternate.alternate(
        seats,
        rounds,
        turn,
        lambda found: all(
            alternate.ratio(found[name], found[PEER]).clear_of(PADDED) for name in names
        ),
    )
    session.keep(f"GPU {kind}", shape_text(shape), samples)
    peak = machine.peak_of(samples, products)
    session.peaks[kind] = max(peak, session.peaks.get(kind, 0.0))
    flops = machine.forward_flops(session.config(), *shape)
    for name in names:
        share = flops / median(samples[name]) / session.peaks[kind]
        session.compare(
            9,
            f"{kind}, padded",
            shape_text(shape),
            (name, samples[name]),
            (PEER, samples[PEER]),
            PADDED,
            milliseconds,
            note=f"{share:.2f} of the peak",
        )
