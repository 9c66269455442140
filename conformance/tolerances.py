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
