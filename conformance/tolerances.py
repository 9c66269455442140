"""How far a backend may be from the float64 oracle, and why.

Float32 has a spacing of 1.2e-7 at 1; the fixtures' values reach about 10. A matrix
product of a few dozen terms and a normalisation lose one to three digits of the last
places, and layers add up: 4.3e-6 was the largest error seen of Google's original code
against float64 on fixtures of this kind, and 7e-6 the largest difference between any
two float32 implementations. 2e-5 leaves room for another order of summation, and is 20
times below what the erf form of GELU, the smallest of the usual mistakes, changes.
"""

FLOAT32 = 2e-5
"""Absolute, for hidden states, attentions, logits and losses alike."""

GRADIENTS = 1e-5
"""Of a tensor's largest gradient, for the gradients of every weight.

A gradient is a sum of products over all tokens, layers and heads: its small elements
are what large ones left over, so that only the tensor's largest is a measure of what
float32 rounds. The oracle's backward pass itself, in float32, is off by less than half
of this in every case (tests/conformance/test_gradients.py)."""

DEVIATIONS = 5.0
"""Standard deviations, for counts of what dropout drops.

Draws that are independent stay within in all but one of 1.7 million counts, and the
seeds are fixed. A share of 0.25 among the 6,912 values of the smallest count that is
wrong by 0.03 is out."""
