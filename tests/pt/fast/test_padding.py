"""Padding left out, put back, and never where somebody reads it."""

import numpy as np
import pytest
import torch

from albert.pt import fast
from albert.pt.attention import visible_keys
from albert.pt.fast import padding
from albert.pt.fast.padding import Tokens
from albert.pt.runner import Runner

B, S, E, H = 4, 7, 5, 24
MASK = torch.tensor(
    [[1, 1, 1, 0, 0, 0, 0], [1, 0, 1, 1, 0, 1, 0], [1] * 7, [1, 1, 1, 0, 0, 0, 0]]
)
SEEN = MASK != 0


@pytest.fixture
def widths(monkeypatch):
    """Note how many tokens the layers compute."""

    seen = []
    groups = fast.groups
    monkeypatch.setattr(
        fast,
        "groups",
        lambda encoder, states, *rest: (
            seen.append(tuple(states.shape[:2])) or groups(encoder, states, *rest)
        ),
    )
    return seen


def embeddings():
    return torch.arange(B * S * E, dtype=torch.float32).view(B, S, E)


def which(lab, mask=MASK, **changes):
    with torch.no_grad():
        return fast.leave_out_padding(
            lab.config(**changes), embeddings()[: len(mask)], visible_keys(mask)
        )


def test_tokens(lab):
    with fast.padding_unread():
        tokens = which(lab)
    assert tokens.shape == (B, S)
    assert tokens.lengths == (3, 4, 7, 3)
    assert list(tokens.runs) == [(1, 3), (1, 4), (1, 7), (1, 3)]
    assert tokens.bounds.tolist() == [0, 3, 7, 14, 17]
    assert tokens.bounds.dtype == torch.int32
    taken = tokens.take(embeddings())
    torch.testing.assert_close(taken[0], embeddings()[SEEN], rtol=0, atol=0)
    back = tokens.put_back(taken)
    right = torch.where(SEEN[..., None], embeddings(), 0)
    torch.testing.assert_close(back, right, rtol=0, atol=0)


def test_neighbours_of_one_length_go_together():
    tokens = Tokens((6, 5), (2, 2, 2, 5, 5, 2), torch.arange(18))
    assert list(tokens.runs) == [(3, 2), (2, 5), (1, 2)]


@pytest.mark.parametrize(
    "mask",
    [
        None,
        torch.ones(B, S),
        # What is pooled is read: the first token.
        torch.tensor([[0, 1, 1], [1, 1, 1]]),
    ],
)
def test_nothing_to_leave_out(lab, mask):
    with fast.padding_unread(), torch.no_grad():
        visible = visible_keys(mask)
        rows = embeddings() if mask is None else embeddings()[: len(mask)]
        assert fast.leave_out_padding(lab.config(), rows, visible) is None


def test_a_row_that_hides_all_sees_all(lab):
    with fast.padding_unread():
        tokens = which(lab, torch.tensor([[0, 0, 0], [1, 1, 0]]))
    assert tokens.lengths == (3, 2)


def test_only_where_nobody_reads_it(lab):
    assert which(lab) is None
    with fast.padding_unread():
        assert which(lab) is not None
        assert which(lab, attn_implementation="eager") is None
        with fast.using(unpadded=False):
            assert which(lab) is None
        assert (
            fast.leave_out_padding(lab.config(), embeddings(), visible_keys(MASK))
            is None
        )  # with gradients
    assert which(lab) is None


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_encoder(lab, widths, dtype, onednn):
    model = lab.model("AlbertModel", dtype)
    ids = torch.arange(B * S).view(B, S)
    with torch.no_grad(), fast.using(onednn=onednn):
        with fast.padding_unread():
            found = model(ids, attention_mask=MASK)
        right = model(ids, attention_mask=MASK)
    assert widths == [(1, 17), (B, S)]
    tolerance = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 0.06}[dtype]
    torch.testing.assert_close(
        found.pooler_output, right.pooler_output, rtol=0, atol=tolerance
    )
    states = found.last_hidden_state
    torch.testing.assert_close(
        states[SEEN], right.last_hidden_state[SEEN], rtol=0, atol=tolerance
    )
    assert (states[~SEEN] == 0).all()
    assert (right.last_hidden_state[~SEEN] != 0).any()


@pytest.mark.parametrize(
    ("class_name", "left_out"),
    [
        ("AlbertForSequenceClassification", True),
        ("AlbertForMultipleChoice", True),
        ("AlbertForTokenClassification", False),
        ("AlbertForMaskedLM", False),
        ("AlbertModel", False),
    ],
)
def test_classes_of_which_only_the_first_token_is_read(
    lab, widths, class_name, left_out
):
    model, inputs = lab.model(class_name), lab.inputs(class_name)
    with torch.no_grad():
        found = model(**lab.tensors(inputs))
    rows = inputs["input_ids"].size // 7
    assert (widths != [(rows, 7)]) is left_out
    assert (widths[0][0] == 1) is left_out
    right = lab.oracle(class_name, inputs)
    for name in found:
        np.testing.assert_allclose(found[name], right[name], rtol=0, atol=2e-5)


@pytest.mark.parametrize("flag", ["output_hidden_states", "output_attentions"])
def test_what_is_asked_for_is_whole(lab, widths, flag):
    name = "AlbertForSequenceClassification"
    inputs = lab.inputs(name)
    with torch.no_grad():
        found = lab.model(name)(**lab.tensors(inputs), **{flag: True})
    assert widths == [(3, 7)]
    field = flag.removeprefix("output_")
    for one, other in zip(found[field], lab.oracle(name, inputs)[field], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:torch.q:UserWarning")
def test_quantised_models_leave_it_out_too(lab, widths):
    quantised = torch.ao.quantization.quantize_dynamic(
        lab.model("AlbertModel"), {torch.nn.Linear}, torch.qint8
    )
    ids = np.arange(B * S).reshape(B, S)
    inputs = {"input_ids": ids, "attention_mask": MASK.numpy()}
    found = Runner(quantised)(inputs, ("pooler_output",))["pooler_output"]
    assert widths == [(1, 17)]
    with fast.using(unpadded=False):
        right = Runner(quantised)(inputs, ("pooler_output",))["pooler_output"]
    # Each product takes the scale of its inputs from what is in the batch.
    assert np.abs(found - right).mean() < 0.1


class _Cuda(torch.Tensor):
    """Stands for a tensor on a GPU, as far as one asks it what it is."""

    is_cuda = True


@pytest.mark.parametrize(
    ("dtype", "width", "capability", "capturing", "has"),
    [
        (torch.bfloat16, 32, (9, 0), False, True),
        (torch.float16, 1024, (8, 0), False, True),
        (torch.float16, 32, (7, 5), False, False),
        (torch.float32, 32, (9, 0), False, False),
        (torch.float16, 32, (9, 0), True, False),
        (torch.float16, 24, (9, 0), False, False),
        (torch.float16, 1056, (9, 0), False, False),
    ],
)
def test_kernel_of_gpus(lab, monkeypatch, dtype, width, capability, capturing, has):
    cuda = torch.cuda
    monkeypatch.setattr(cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(cuda, "is_current_stream_capturing", lambda: capturing)
    tensor = torch.zeros(2, dtype=dtype).as_subclass(_Cuda)
    config = lab.config(hidden_size=width)
    assert padding._has_kernel(config, tensor) is has
    monkeypatch.setattr(padding, "kernel", lambda: None)
    assert padding._has_kernel(config, tensor) is False
    assert padding._has_kernel(config, torch.zeros(2, dtype=dtype)) is True
    assert padding._has_kernel(config, torch.zeros(2, device="meta")) is False
