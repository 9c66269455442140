"""How a compiled program multiplies: its matrix products, read from its HLO.

On a TPU every matrix product is a `convolution` or a `dot` of the optimised HLO, in a
computation of its own or within a fusion. A unit of it multiplies bfloat16; float32 is
split, by `operand_precision`, into one part ("default"), two ("high": three products)
or three ("highest": six products, which is float32).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

_HEADER = re.compile(r"^(?:ENTRY )?%[\w.\-]+ \(.*\{$")
_VALUE = re.compile(r"^\s*(?:ROOT )?%(?P<name>[\w.\-]+) = (?P<type>[a-z]\w*)\[")
_PRODUCT = re.compile(
    r"^\s*(?:ROOT )?%[\w.\-]+ = [^=]*? (?:convolution|dot)\((?P<operands>[^)]*)\)"
)
_PRECISION = re.compile(r"operand_precision=\{(\w+),\s*(\w+)\}")
_ASKED = re.compile(
    r"stablehlo\.(?:dot_general|dot|convolution)\b.*?precision = \[(\w+), (\w+)\]"
    r".*: \(tensor<(?:\d+x)*(\w+)>, tensor<(?:\d+x)*(\w+)>\)"
)
_MESSAGES = re.compile(
    r" (all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)"
    r"(?:-start)?\("
)


class Product(NamedTuple):
    """One matrix product.

    Fields:
        types: of its operands, such as ("f32", "f32").
        precision: "default", "high" or "highest"; both if the operands differ.
    """

    types: tuple[str, str]
    precision: str


def compiled_products(hlo: str) -> Iterator[Product]:
    """Find the products of optimised HLO.

    Args:
        hlo: text of `Compiled.as_text()`.

    Yields:
        Each product.

    Raises:
        ValueError: an operand's type is not in the text.
    """
    types: dict[str, str] = {}
    for line in hlo.splitlines():
        if _HEADER.match(line):
            types = {}
        value = _VALUE.match(line)
        if value:
            types[value["name"]] = value["type"]
        product = _PRODUCT.match(line)
        if product:
            names = [one.split("%")[-1] for one in product["operands"].split(", ")]
            missing = [name for name in names if name not in types]
            if missing or len(names) != 2:
                raise ValueError(f"the HLO has a product that is not read: {line}")
            found = _PRECISION.search(line)
            precision = found.groups() if found else ("default", "default")
            yield Product((types[names[0]], types[names[1]]), _one(*precision))


def asked_products(stablehlo: str) -> Iterator[Product]:
    """Find the products of a program that is not compiled yet.

    Args:
        stablehlo: text of `Lowered.as_text()`.

    Yields:
        Each product.
    """
    for one in _ASKED.finditer(stablehlo):
        yield Product((one[3], one[4]), _one(one[1].lower(), one[2].lower()))


def is_narrow(hlo: str) -> bool:
    """Tell whether any array of a program is bfloat16, float16 or float8."""
    return re.search(r"\b(?:bf16|f16|f8\w+)\[", hlo) is not None


def messages(hlo: str) -> dict[str, int]:
    """Count what the devices send each other, by kind.

    Args:
        hlo: text of `Compiled.as_text()`.

    Returns:
        Number of operations, such as {"all-reduce": 12}.
    """
    return dict(sorted(Counter(_MESSAGES.findall(hlo)).items()))


def wrong_products(products: list[Product], dtype: str, precision: str) -> list[str]:
    """Say what is wrong with a program's products.

    Args:
        products: of the compiled program.
        dtype: of the model, "float32" or "bfloat16".
        precision: that was asked for.

    Returns:
        One text for each kind of wrong product, and one if there are none at all;
        empty if all are right.
    """
    if not products:
        return ["it has no matrix product"]
    wrong = Counter(one for one in products if not _is_right(one, dtype, precision))
    return [
        f"{number} of {len(products)} products take {' and '.join(one.types)} at "
        f"precision {one.precision}"
        for one, number in wrong.items()
    ]


def _is_right(product: Product, dtype: str, precision: str) -> bool:
    """Tell whether a product is as was asked.

    bfloat16 is exact at any precision. By default libtpu may round operands of float32
    ahead of the product, which rounds them anyway.
    """
    if dtype == "bfloat16" and product.types == ("bf16", "bf16"):
        return True
    if product.precision != precision:
        return False
    allowed = {"f32", "bf16"} if precision == "default" else {"f32"}
    return allowed.issuperset(product.types)


def _one(left: str, right: str) -> str:
    return left if left == right else f"{left} and {right}"
