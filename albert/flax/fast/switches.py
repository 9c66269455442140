"""Which quick ways may be taken."""

from dataclasses import dataclass
from functools import partial

from albert.common.switching import ON, switched


@dataclass
class Switches:
    """Which quick ways may be taken; each gives the plain way's answers.

    Attributes:
        compiled: one compiled program for a plain call in inference, instead of one
            for each operation.
        rounded: in such calls, few lengths: shorter texts are padded to the next one
            and the outputs cut.
        layers: on the CPU, layers that are written for its products.
        packed: with these layers and few tokens, a copy of the layers' matrices, turned
            round and kept from call to call: as many bytes as the matrices have.
    """

    compiled: bool = True
    rounded: bool = True
    layers: bool = True
    packed: bool = True


switches = Switches(compiled=ON, rounded=ON, layers=ON, packed=ON)
"""What is on now, in every thread. ALBERT_FAST=0 in the environment starts all off."""
using = partial(switched, switches)
"""Set some for a while: `with using(packed=False):`."""
