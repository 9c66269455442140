"""Attention within each of several sequences."""

import itertools

import pytest
import torch
from torch.nn import functional

from albert.pt import fast
from albert.pt.fast import attention, padding
from albert.pt.fast.padding import Tokens

N, D = 3, 5
LENGTHS = (2, 2, 7, 1, 4, 4, 4)
T = sum(LENGTHS)


def sides(dtype=torch.float64):
    generator = torch.Generator().manual_seed(3)
    return torch.randn(3, 1, N, T, D, generator=generator, dtype=torch.float64).to(
        dtype
    )


def tokens():
    return Tokens((len(LENGTHS), 9), LENGTHS, torch.arange(T))


def by_mask(query, key, value):
    """Attend in one row, with a mask that parts the sequences."""
    owner = torch.repeat_interleave(torch.arange(len(LENGTHS)), torch.tensor(LENGTHS))
    return functional.scaled_dot_product_attention(
        query, key, value, attn_mask=owner[:, None] == owner[None]
    )


def test_sequences_see_themselves_alone():
    found = fast.attend(*sides(), tokens())
    assert found.shape == (1, N, T, D)
    torch.testing.assert_close(found, by_mask(*sides()), rtol=0, atol=1e-14)


def test_neighbours_of_one_length_are_one_call(monkeypatch):
    shapes = []
    attend = functional.scaled_dot_product_attention

    def record(query, key, value):
        shapes.append(tuple(query.shape))
        return attend(query, key, value)

    monkeypatch.setattr(functional, "scaled_dot_product_attention", record)
    fast.attend(*sides(), tokens())
    assert shapes == [(2, N, 2, D), (1, N, 7, D), (1, N, 1, D), (3, N, 4, D)]


def test_kernel_of_gpus(monkeypatch):
    """What FlashAttention's function is given, checked by a stand-in of it."""

    def stand_in(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k):
        assert query.shape == key.shape == value.shape == (T, N, D)
        assert query.stride(-1) == 1
        assert cu_seq_q is cu_seq_k
        assert cu_seq_q.dtype == torch.int32
        assert max_q == max_k == 7
        parts = []
        for first, last in itertools.pairwise(cu_seq_q):
            one = (side[first:last].transpose(0, 1) for side in (query, key, value))
            parts.append(functional.scaled_dot_product_attention(*one).transpose(0, 1))
        return torch.cat(parts)

    monkeypatch.setattr(padding, "kernel", lambda: stand_in)
    found = attention._by_kernel(*sides(), tokens())
    torch.testing.assert_close(found, by_mask(*sides()), rtol=0, atol=1e-14)


@pytest.mark.skipif(padding.kernel() is None, reason="needs PyTorch 2.10")
def test_kernel_takes_such_tensors():
    """Shapes and types alone."""
    query, key, value = (
        torch.empty(1, N, T, 64, dtype=torch.bfloat16, device="meta") for _ in range(3)
    )
    places = torch.empty(T, dtype=torch.long, device="meta")
    found = attention._by_kernel(query, key, value, Tokens((7, 9), LENGTHS, places))
    assert found.shape == (1, N, T, 64)
    assert found.dtype == torch.bfloat16
