"""What only makes the model quicker; nothing here is needed to understand it.

Each way gives what the plain one gives, and is taken only where that is sure;
`switches` turns each off.

- `calls`: a plain call in inference as one compiled program, for few lengths.
- `layers`: in inference on the CPU, the layers in the order that suits its products.
- `labelled`: a sum over the places that have a label.
"""

from albert.flax.fast.switches import Switches, switches, using

__all__ = ["Switches", "switches", "using"]
