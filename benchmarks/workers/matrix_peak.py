"""What the machine's matrix products reach, by the fastest call there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from protocol import Calls, serve


def make(options: dict[str, Any]) -> Calls:
    """Make the calls.

    Args:
        options: `device`; on the CPU the product is oneDNN's, with the matrix packed
            before, or PyTorch's own where that does not exist.

    Returns:
        `product`, of a request with `rows`, `width`, `columns` and `dtype`.
    """
    import torch

    device = options.get("device", "cpu")

    def product(request: dict[str, Any]) -> Callable[[], Any]:
        dtype = getattr(torch, request["dtype"])
        rows, width, columns = (request[one] for one in ("rows", "width", "columns"))
        x = torch.rand(rows, width, device=device).to(dtype)
        matrix = torch.rand(columns, width, device=device).to(dtype)
        if device == "cpu" and torch.backends.mkldnn.is_available():
            linear = torch.ops.mkldnn
            packed = linear._reorder_linear_weight(matrix, rows)
            return lambda: linear._linear_pointwise(x, packed, None, "none", [], "")
        return lambda: torch.nn.functional.linear(x, matrix)

    return {"product": product}


if __name__ == "__main__":
    import sys

    timer = None
    if '"cuda' in sys.argv[1]:
        from torch_calls import cuda_timer as timer
    serve(make, ("torch",), timer)
