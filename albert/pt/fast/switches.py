"""Which quick ways may be taken."""

from dataclasses import dataclass
from functools import partial

from albert.common.switching import ON, switched


@dataclass
class Switches:
    """Which quick ways may be taken; each gives the plain way's answers.

    Attributes:
        onednn: oneDNN's matrix products on the CPU, in inference and in training.
        packed: in inference, a copy of the layers' matrices in oneDNN's own order, kept
            from call to call: as many bytes as the layers' matrices have.
        unpadded: leaving out padding where nobody reads what is computed there.
    """

    onednn: bool = True
    packed: bool = True
    unpadded: bool = True


switches = Switches(onednn=ON, packed=ON, unpadded=ON)
"""What is on now, in every thread. ALBERT_FAST=0 in the environment starts all off."""
using = partial(switched, switches)
"""Set some for a while: `with using(packed=False):`."""
