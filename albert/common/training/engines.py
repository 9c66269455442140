"""Which processes and devices train one model together, as the loop sees them."""

from __future__ import annotations

import importlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

STRATEGIES = ("mirrored", "multi-worker", "tpu")
_OF = {"shard": "pt", "strategy": "tf", "mesh": "flax"}


@dataclass(frozen=True)
class EngineSettings:
    """How a run is spread. It decides how fast a run is, not what it computes.

    Fields:
        shard: PyTorch: whether each process keeps a slice of the weights and of the
            optimizer's state, for models that are too large for one device.
        strategy: TensorFlow: one of `STRATEGIES`; None for one device.
        mesh: JAX: sizes of the two axes, such as "data=4,model=2"; None for one
            device.

    Raises:
        ValueError: there is no such strategy.
    """

    shard: bool = False
    strategy: str | None = None
    mesh: str | None = None

    def __post_init__(self) -> None:
        if self.strategy not in (None, *STRATEGIES):
            raise ValueError(
                f"strategy must be 'mirrored', 'multi-worker' or 'tpu', but is "
                f"{self.strategy!r}."
            )

    def check(self, framework: str) -> None:
        """Refuse what belongs to another framework.

        Args:
            framework: "pt", "tf" or "flax".

        Raises:
            ValueError: something does.
        """
        for name, owner in _OF.items():
            if getattr(self, name) and owner != framework:
                raise ValueError(
                    f"{name} is for framework {owner!r}, but the framework is "
                    f"{framework!r}."
                )


class Engine(Protocol):
    """What the loop asks; `albert.<framework>.engine` has them.

    Fields:
        rank: of this process, from 0. Process 0 writes.
        world: the number of processes.
        part: which slice of each batch this process reads, and of how many.
        slices: into how many a batch is cut over all devices.
    """

    rank: int
    world: int
    part: tuple[int, int]
    slices: int

    def add_up(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """Give the sums over the slices that processes read, by name."""
        ...

    def barrier(self) -> None:
        """Wait for all processes."""
        ...

    def close(self) -> None:
        """Part from the others, when all are done."""
        ...

    def is_lost(self, error: Exception) -> bool:
        """Say whether an error is what comes if another process does not answer."""
        ...


class Alone:
    """The engine of one process with one device."""

    rank, world, part, slices = 0, 1, (0, 1), 1

    def add_up(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """Give the numbers."""
        return dict(numbers)

    def barrier(self) -> None:
        """Go on."""

    def close(self) -> None:
        """Do nothing."""

    def is_lost(self, error: Exception) -> bool:
        """Say no."""
        return False


def make_engine(framework: str, settings: EngineSettings) -> Any:
    """Join the processes that were started together, and find the devices.

    Args:
        framework: "pt", "tf" or "flax".
        settings: how the run is spread.

    Returns:
        The framework's `Engine`.

    Raises:
        ValueError: what is asked for is not there.
    """
    settings.check(framework)
    return importlib.import_module(f"albert.{framework}.engine").Engine(settings)


def check_batch(batch_size: int, accumulation: int, slices: int) -> None:
    """Refuse a batch that cannot be cut into equal slices.

    Args:
        batch_size: rows of a step.
        accumulation: parts that a slice is cut into.
        slices: over all devices.

    Raises:
        ValueError: it cannot.
    """
    if batch_size % (accumulation * slices):
        raise ValueError(
            f"batch_size must be a multiple of the {slices} slices over devices times "
            f"accumulation, {slices} x {accumulation} = {slices * accumulation}, but "
            f"is {batch_size}."
        )


@contextmanager
def leader_first(engine: Engine) -> Generator[None]:
    """Let process 0 do something before the others do it.

    Args:
        engine: of this process.

    Yields:
        Nothing.
    """
    if engine.rank:
        engine.barrier()
    yield
    if not engine.rank:
        engine.barrier()


@contextmanager
def telling_of_the_lost(engine: Engine) -> Generator[None]:
    """Say what to do if another process is gone.

    Args:
        engine: of this process.

    Yields:
        Nothing.

    Raises:
        RuntimeError: this process cannot go on.
    """
    try:
        yield
    except Exception as error:
        if not engine.is_lost(error):
            raise
        raise RuntimeError(
            f"process {engine.rank} of {engine.world} cannot go on: {_reason(error)} "
            f"If another one has ended, its own output says why. Start all of them "
            f"again: the run goes on from its last checkpoint."
        ) from error


def _reason(error: Exception) -> str:
    """Give the line that says what happened; TensorFlow puts a trace before it."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    traced = [at for at, line in enumerate(lines) if line.startswith('  File "')]
    lines = lines[traced[-1] + 1 :] if traced else lines
    return lines[0].strip() if lines else type(error).__name__


def parse_mesh(text: str) -> tuple[int, int]:
    """Read the sizes of a mesh's axes.

    Args:
        text: such as "data=4,model=2"; an axis that is left out has size 1.

    Returns:
        The sizes of "data" and "model".

    Raises:
        ValueError: it does not say that.
    """
    sizes = {"data": 1, "model": 1}
    given = [part.strip().partition("=") for part in text.split(",")]
    names = [name for name, _, _ in given]
    if len(set(names)) < len(names) or not all(
        name in sizes and size.isdecimal() and int(size) for name, _, size in given
    ):
        raise ValueError(
            f"mesh must give sizes of the axes data and model, as 'data=4,model=2' "
            f"does, but is {text!r}."
        )
    sizes.update({name: int(size) for name, _, size in given})
    return sizes["data"], sizes["model"]
