"""The TPUs that are compiled for."""

from __future__ import annotations

import os
from typing import Any, NamedTuple


class Target(NamedTuple):
    """Chips, and how a model is spread over them.

    Fields:
        kind: of chip.
        topology: of the slice, as libtpu calls it.
        mesh: as `EngineSettings.mesh`; None for one device.
    """

    kind: str
    topology: str
    mesh: str | None

    @property
    def name(self) -> str:
        """Name for a report."""
        return f"{self.kind} {self.mesh or 'one device'}"


# On v4 libtpu describes each chip as two devices, its cores.
TARGETS = (
    Target("v5e", "v5e:1x1", None),
    Target("v5e", "v5e:2x2", "data=4"),
    Target("v5e", "v5e:2x2", "data=2,model=2"),
    Target("v4", "v4:1x1x1", None),
    Target("v4", "v4:2x2x1", "data=8"),
    Target("v4", "v4:2x2x1", "data=4,model=2"),
)


def describe_tpu() -> None:
    """Say what chips there would be, as libtpu reads it: before JAX is imported."""
    os.environ.update(
        TPU_SKIP_MDS_QUERY="1",
        TPU_ACCELERATOR_TYPE="v5litepod-4",
        TPU_WORKER_HOSTNAMES="localhost",
        TPU_WORKER_ID="0",
        # Nothing is opened, so that several processes may compile at a time.
        ALLOW_MULTIPLE_LIBTPU_LOAD="1",
        JAX_PLATFORMS="cpu",
    )


def find_devices(target: Target) -> list[Any]:
    """Describe a target's devices.

    Args:
        target: what is compiled for.

    Returns:
        Devices to compile for.
    """
    from jax.experimental import topologies

    # A host has four chips, unless said otherwise.
    one = target.mesh is None
    bounds: Any = {"chips_per_host_bounds": (1, 1, 1), "num_slices": 1} if one else {}
    found = topologies.get_topology_desc(target.topology, platform="tpu", **bounds)
    return list(found.devices[:1] if one else found.devices)
