"""What only makes the model quicker; nothing here is needed to understand it.

Each way gives what the plain one gives, and is taken only where that is sure;
`switches` turns each off.

- `groups`: in inference on the CPU, the layer groups with oneDNN's fused products.
- `project`: in training on the CPU, oneDNN's products forward and backward.
- `leave_out_padding`: the encoder computes real tokens only, where nobody reads others.
- `labelled`: a sum over the places that have a label.
"""

from albert.pt.fast.attention import attend
from albert.pt.fast.blocks import groups
from albert.pt.fast.padding import Tokens, leave_out_padding, padding_unread
from albert.pt.fast.switches import Switches, switches, using
from albert.pt.fast.training import project

__all__ = [
    "Switches",
    "Tokens",
    "attend",
    "groups",
    "leave_out_padding",
    "padding_unread",
    "project",
    "switches",
    "using",
]
