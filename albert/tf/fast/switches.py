"""Which quick ways may be taken."""

from dataclasses import dataclass
from functools import partial

from albert.common.switching import ON, switched


@dataclass
class Switches:
    """Which quick ways may be taken; each gives the plain way's answers.

    Attributes:
        compiled: a plain call in inference runs a traced function.
        packed: in such calls, with few tokens on the CPU, from the third of a size on,
            layers that XLA compiles for it, and a copy of the layers' matrices, turned
            round and kept from call to call: as many bytes as the matrices have.
    """

    compiled: bool = True
    packed: bool = True


switches = Switches(compiled=ON, packed=ON)
"""What is on now, in every thread. ALBERT_FAST=0 in the environment starts all off."""
using = partial(switched, switches)
"""Set some for a while: `with using(packed=False):`."""
