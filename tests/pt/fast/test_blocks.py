"""The quick groups: taken where they may be, and the oracle's answers."""

import weakref
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.nn.utils import prune
from torch.utils.flop_counter import FlopCounterMode

from albert.pt import fast
from albert.pt.fast import blocks, products

B, S, H = 3, 7, 24


@pytest.fixture
def taken(monkeypatch):
    """Count the blocks that go the quick way."""
    count = []
    block = blocks._block
    monkeypatch.setattr(
        blocks, "_block", lambda *arguments: count.append(1) or block(*arguments)
    )
    return count


def call(model, inputs, **flags):
    with torch.no_grad():
        return model(**inputs, **flags)


def test_every_class_is_quick_and_right(lab, class_name, taken):
    inputs = lab.inputs(class_name)
    found = call(lab.model(class_name), lab.tensors(inputs))
    assert len(taken) == 6  # three layers of two blocks
    right = lab.oracle(class_name, inputs)
    for name in found:
        np.testing.assert_allclose(found[name], right[name], rtol=0, atol=2e-5)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    "hidden_act", ["gelu", "gelu_new", "quick_gelu", "relu", "silu", "tanh", "linear"]
)
def test_activations(lab, taken, hidden_act, packed):
    inputs = lab.inputs("AlbertModel")
    with fast.using(packed=packed):
        found = call(
            lab.model("AlbertModel", hidden_act=hidden_act), lab.tensors(inputs)
        )
    assert len(taken) == 6
    right = lab.oracle("AlbertModel", inputs, hidden_act=hidden_act)
    for name in ("last_hidden_state", "pooler_output"):
        np.testing.assert_allclose(found[name], right[name], rtol=0, atol=2e-5)


def test_no_more_is_kept_than_is_needed(lab, monkeypatch):
    """Of the layers' outputs two at a time; tokens are widened without the queries."""
    outputs, numbers, seen = [], [], []
    make, widen = fast.groups, products.Product.__call__
    attend = functional.scaled_dot_product_attention

    def groups(*arguments):
        def watched(group, *given):
            found = group(*given)
            outputs.append(weakref.ref(found[0]))
            numbers.append(sum(one() is not None for one in outputs))
            return found

        return {one: partial(watched, by) for one, by in make(*arguments).items()}

    def scaled(query, key, value, **named):
        seen.extend(map(weakref.ref, (query, key, value)))
        return attend(query, key, value, **named)

    def multiplied(self, tokens, activate=None):
        if activate is not None:
            assert [one() for one in seen] == [None] * len(seen)
        return widen(self, tokens, activate)

    monkeypatch.setattr(fast, "groups", groups)
    monkeypatch.setattr(functional, "scaled_dot_product_attention", scaled)
    monkeypatch.setattr(products.Product, "__call__", multiplied)
    call(lab.model("AlbertModel"), lab.tensors(lab.inputs("AlbertModel")))
    assert len(seen) == 3 * 6
    assert numbers == [1, 2, 2]


def test_hidden_states(lab, taken):
    inputs = lab.inputs("AlbertModel")
    model = lab.model("AlbertModel")
    found = call(model, lab.tensors(inputs), output_hidden_states=True)
    assert len(taken) == 6
    right = lab.oracle("AlbertModel", inputs)["hidden_states"]
    assert len(found.hidden_states) == len(right) == 4
    for one, other in zip(found.hidden_states, right, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5)


@pytest.mark.parametrize("without", ["attention_mask", None])
@pytest.mark.parametrize(("batch", "length"), [(1, 1), (1, 19), (2, 13)])
def test_sizes(lab, taken, batch, length, without):
    model = lab.model("AlbertModel")
    inputs = {
        "input_ids": torch.arange(batch * length).view(batch, length),
        "attention_mask": (torch.arange(length) % 3 != 1).long().expand(batch, -1),
    }
    inputs.pop(without, None)
    found = call(model, inputs)
    assert len(taken) == 6
    with fast.using(onednn=False):
        right = call(model, inputs)
    assert len(taken) == 6
    torch.testing.assert_close(found.to_tuple(), right.to_tuple(), rtol=0, atol=1e-5)


def test_bfloat16_is_no_less_exact_than_the_plain_way(lab, taken):
    model = lab.model("AlbertModel", torch.bfloat16)
    inputs = lab.tensors(lab.inputs("AlbertModel"))
    found = call(model, inputs).last_hidden_state.double()
    assert len(taken) == 6
    with fast.using(onednn=False):
        plain = call(model, inputs).last_hidden_state.double()
    right = call(model.double(), inputs).last_hidden_state
    assert len(taken) == 6
    assert (found - right).abs().mean() <= 1.2 * (plain - right).abs().mean()


def _dropout_on(model):
    model.encoder.albert_layer_groups[0].albert_layers[1].dropout.train()


def _hook(model):
    layer = model.encoder.albert_layer_groups[1].albert_layers[0].attention.key
    layer.register_forward_hook(lambda module, inputs, output: output + 1)


def _early_hook(model):
    group = model.encoder.albert_layer_groups[1]
    group.register_forward_pre_hook(lambda module, inputs: None)


class _Linear(torch.nn.Linear):
    def forward(self, *inputs):
        return super().forward(*inputs) * 2


def _own_class(model):
    layer = model.encoder.albert_layer_groups[0].albert_layers[0]
    layer.ffn = _Linear(H, 37)


def _no_bias(model):
    layer = model.encoder.albert_layer_groups[0].albert_layers[0]
    layer.attention.key = torch.nn.Linear(H, H, bias=False)


def _own_forward(model):
    layer = model.encoder.albert_layer_groups[0].albert_layers[0]
    layer.ffn.forward = lambda inputs: torch.ones(*inputs.shape[:-1], 37)


def _parametrized(model):
    layer = model.encoder.albert_layer_groups[0].albert_layers[0]
    torch.nn.utils.parametrizations.weight_norm(layer.ffn)


def _pruned(model):
    layer = model.encoder.albert_layer_groups[0].albert_layers[0]
    prune.l1_unstructured(layer.ffn, "weight", amount=0.5)


def _quantised(model):
    torch.ao.quantization.quantize_dynamic(
        model, {torch.nn.Linear}, torch.qint8, inplace=True
    )


@pytest.mark.parametrize(
    "change",
    [
        _dropout_on,
        _hook,
        _early_hook,
        _own_class,
        _no_bias,
        _own_forward,
        _parametrized,
        _pruned,
        _quantised,
    ],
)
@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore:torch.quantize:UserWarning"
)
def test_what_is_not_ordinary_goes_the_plain_way(lab, taken, change):
    model = lab.model("AlbertModel", hidden_dropout_prob=0.5)
    ids = torch.zeros(B, S, dtype=torch.long)
    call(model, {"input_ids": ids})
    assert len(taken) == 6
    change(model)
    call(model, {"input_ids": ids})
    assert len(taken) == 6


def test_global_hooks(lab, taken):
    from torch.nn.modules.module import register_module_forward_hook

    seen = []
    handle = register_module_forward_hook(lambda module, *_: seen.append(module))
    model = lab.model("AlbertModel")
    try:
        call(model, {"input_ids": torch.zeros(B, S, dtype=torch.long)})
    finally:
        handle.remove()
    assert taken == []
    assert model.encoder.albert_layer_groups[0].albert_layers[0].ffn in seen


def test_another_activation(lab, taken):
    model = lab.model("AlbertModel")
    for group in model.encoder.albert_layer_groups:
        for layer in group.albert_layers:
            layer.activation = torch.nn.ReLU().eval()
    inputs = lab.inputs("AlbertModel")
    found = call(model, lab.tensors(inputs)).pooler_output
    assert len(taken) == 6
    right = lab.oracle("AlbertModel", inputs, hidden_act="relu")["pooler_output"]
    np.testing.assert_allclose(found, right, rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    "flags", [{"output_attentions": True}, {"attn_implementation": "eager"}]
)
def test_details_and_eager_go_the_plain_way(lab, taken, flags):
    asked = {name: flags[name] for name in flags if name == "output_attentions"}
    changes = {name: flags[name] for name in flags if name not in asked}
    model = lab.model("AlbertModel", **changes)
    call(model, lab.tensors(lab.inputs("AlbertModel")), **asked)
    assert taken == []


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_other_types_go_the_plain_way(lab, taken, dtype):
    model = lab.model("AlbertModel", dtype)
    call(model, lab.tensors(lab.inputs("AlbertModel")))
    assert taken == []


def test_training_and_gradients_go_the_plain_way(lab, taken):
    model = lab.model("AlbertModel")
    inputs = lab.tensors(lab.inputs("AlbertModel"))
    model(**inputs)
    call(model.train(), inputs)
    assert taken == []


def test_autocast(lab, taken):
    model = lab.model("AlbertModel")
    inputs = lab.tensors(lab.inputs("AlbertModel"))
    with torch.autocast("cpu", torch.bfloat16):
        found = call(model, inputs).pooler_output
    assert found.dtype == torch.bfloat16
    assert taken == []


def test_a_counter_of_operations_sees_them(lab, taken):
    model = lab.model("AlbertModel")
    with FlopCounterMode(display=False) as counter:
        call(model, lab.tensors(lab.inputs("AlbertModel")))
    assert taken == []
    assert counter.get_total_flops() > 2 * 6 * B * S * (4 * H * H + 2 * H * 37)


@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
def test_transforms(lab, taken):
    model = lab.model("AlbertModel")
    ids = torch.arange(2 * B * S).view(2, B, S)
    with torch.no_grad():
        found = torch.vmap(lambda one: model(one).pooler_output)(ids)
        assert taken == []
        right = torch.stack([model(one).pooler_output for one in ids])
    torch.testing.assert_close(found, right, rtol=0, atol=1e-5)


def test_traces_and_exports_are_plain(lab, taken):
    model = lab.model("AlbertModel", return_dict=False)
    ids = torch.arange(B * S).view(B, S)
    with torch.no_grad():
        program = torch.export.export(model, (ids,), strict=False)
        text = str(program.graph)
    assert taken == []
    assert "mkldnn" not in text
    assert "linear" in text
