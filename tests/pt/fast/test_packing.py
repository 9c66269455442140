"""Packed matrices are never stale, and never in the way."""

import copy
import gc
import io
import pickle
import threading

import numpy as np
import pytest
import torch

from albert.pt import fast
from albert.pt.fast import packing
from albert.pt.fast.packing import forget, kept_bytes, packed

B, S, H, INNER = 3, 7, 24, 37
# Four blocks of four products.
BYTES = 4 * 4 * (4 * H * H + 2 * H * INNER)


@pytest.fixture
def model(lab):
    """A model that has packed its matrices."""
    model = lab.model("AlbertModel")
    call(model)
    assert kept_bytes(model) == BYTES
    return model


def call(model):
    ids = torch.arange(B * S).view(B, S)
    with torch.no_grad():
        return model(ids).last_hidden_state


def plainly(model):
    with fast.using(onednn=False):
        return call(model)


def assert_fresh(model, before):
    """The quick way sees the change as the plain one does."""
    found, right = call(model), plainly(model)
    torch.testing.assert_close(found, right, rtol=0, atol=1e-5)
    assert (right - before).abs().max() > 4 * (found - right).abs().max()


def block(model, group=1):
    return model.encoder.albert_layer_groups[group].albert_layers[1]


def test_packed_once(model, monkeypatch):
    packs = []
    pack = packing._pack
    monkeypatch.setattr(packing, "_pack", lambda group: packs.append(1) or pack(group))
    call(model)
    with torch.inference_mode():
        model(torch.zeros(1, 4, dtype=torch.long))
    assert packs == []
    block(model).ffn.weight.data[0, 0] += 1
    call(model)
    assert len(packs) == 4  # of the one block that changed


CHANGES = {
    "in place": lambda weight: weight.mul_(3),
    "through data": lambda weight: weight.data.mul_(1.5),
    "one value": lambda weight: weight.data[3, 5].add_(30),
    "two values that keep the sums of a column": lambda weight: weight.data[
        2:4, 5
    ].copy_(weight.data[2:4, 5].flip(0)),
    "rows in another order": lambda weight: weight.data.copy_(weight.data.flip(0)),
    "columns in another order": lambda weight: weight.data.copy_(weight.data.flip(1)),
    "other data": lambda weight: setattr(weight, "data", weight.data * -1),
    "through NumPy": lambda weight: np.multiply(
        weight.detach().numpy(), 2, out=weight.detach().numpy()
    ),
    "sign": lambda weight: weight.data.neg_(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(
    "name", ["attention.query", "attention.value", "attention.dense", "ffn_output"]
)
def test_changes_of_a_matrix(model, name, change):
    before = call(model)
    with torch.no_grad():
        change(block(model).get_submodule(name).weight)
    assert_fresh(model, before)
    assert kept_bytes(model) == BYTES


@pytest.mark.parametrize("name", ["attention.key", "attention.query", "ffn"])
def test_changes_of_a_bias(model, name):
    before = call(model)
    block(model).get_submodule(name).bias.data[:3] += 2
    if name != "attention.key":  # it shifts all scores of a query alike
        assert_fresh(model, before)
    torch.testing.assert_close(call(model), plainly(model), rtol=0, atol=1e-5)


def test_changes_of_a_module(model):
    before = call(model)
    block(model).ffn = torch.nn.Linear(H, INNER)
    block(model).attention.LayerNorm.weight.data *= 2
    assert_fresh(model, before)


def test_load_state_dict(model, lab):
    before = call(model)
    state = {name: value * 1.5 for name, value in model.state_dict().items()}
    model.load_state_dict(state)
    assert_fresh(model, before)
    other = lab.model("AlbertModel")
    other.load_state_dict(state, assign=True)
    assert_fresh(other, before)


def test_types(model):
    before = call(model)
    model.to(torch.bfloat16)
    found, right = call(model), plainly(model)
    assert found.dtype == right.dtype == torch.bfloat16
    assert kept_bytes(model) == BYTES // 2
    torch.testing.assert_close(found.float(), before, rtol=0, atol=0.1)
    model.to(torch.float64)
    torch.testing.assert_close(call(model), plainly(model), rtol=0, atol=0)
    model.to(torch.float32).encoder.embedding_hidden_mapping_in.weight.data *= 2
    assert_fresh(model, before)


def test_copies(model):
    before = call(model)
    other = copy.deepcopy(model)
    assert kept_bytes(other) == 0
    block(other).ffn.weight.data.neg_()
    assert_fresh(other, before)
    torch.testing.assert_close(call(model), before, rtol=0, atol=1e-5)


def test_pickles_and_files_hold_none_of_it(lab, model):
    fresh = lab.model("AlbertModel")
    assert len(pickle.dumps(model)) == len(pickle.dumps(fresh))
    assert list(model.state_dict()) == list(fresh.state_dict())
    sizes = []
    for one in (model, fresh):
        file = io.BytesIO()
        torch.save(one, file)
        sizes.append(len(file.getvalue()))
    assert sizes[0] == sizes[1]
    loaded = pickle.loads(pickle.dumps(model))
    assert kept_bytes(loaded) == 0
    torch.testing.assert_close(call(loaded), call(model), rtol=0, atol=1e-5)


def test_memory_footprint_is_the_weights_alone(model, lab):
    fresh = lab.model("AlbertModel")
    assert model.get_memory_footprint() == fresh.get_memory_footprint()


def test_dropped_when_training_starts(model):
    ids = torch.zeros(B, S, dtype=torch.long)
    model.train()
    with torch.no_grad():
        model(ids)
    assert kept_bytes(model) == 0
    call(model.eval())
    assert kept_bytes(model) == BYTES
    model(ids)  # with gradients
    assert kept_bytes(model) == 0


def test_an_optimizer_step(model):
    before = call(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    for _ in range(2):
        model.train()(torch.zeros(B, S, dtype=torch.long)).pooler_output[
            :, 0
        ].sum().backward()
        optimizer.step()
        assert_fresh(model.eval(), before)


def test_switched_off(lab):
    model = lab.model("AlbertModel")
    with fast.using(packed=False):
        found = call(model)
        assert kept_bytes(model) == 0
    torch.testing.assert_close(found, call(model), rtol=0, atol=1e-6)


def test_dies_with_the_model(lab):
    number = len(packing._KEPT)
    model = lab.model("AlbertModel")
    call(model)
    assert len(packing._KEPT) == number + 4
    del model
    gc.collect()
    assert len(packing._KEPT) <= number


def test_threads(model):
    right, found = call(model), []
    threads = [
        threading.Thread(target=lambda: found.append(call(model))) for _ in range(4)
    ]
    forget(model)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for one in found:
        torch.testing.assert_close(one, right, rtol=0, atol=1e-6)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_matrices_of_any_width(dtype, width):
    owner = torch.nn.Module()
    matrices = [[torch.randn(5, width, dtype=dtype)], [torch.randn(2, width).to(dtype)]]
    first = packed(owner, matrices)
    assert packed(owner, matrices) is first
    matrices[1][0][1, width - 1] += 1
    assert packed(owner, matrices) is not first


def test_compiled(lab):
    model = lab.model("AlbertModel")
    before = call(model)
    assert kept_bytes(model) == BYTES
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(call(compiled), before, rtol=0, atol=1e-5)
    block(model).ffn.weight.data.neg_()
    found = call(compiled)
    torch.testing.assert_close(found, plainly(model), rtol=0, atol=1e-5)
    assert (found - before).abs().max() > 1e-3
    assert_fresh(model, before)
