"""What only makes the model quicker; nothing here is needed to understand it.

Each way gives what the plain one gives, and is taken only where that is sure;
`switches` turns each off.

- `compiled`: a plain call in inference runs a function that is traced once.
- `layers`, `packing`: there, the layers for few tokens, with turned matrices.
- `labelled`: a sum over the places that have a label.
"""

from albert.tf.fast.switches import Switches, switches, using

__all__ = ["Switches", "switches", "using"]
