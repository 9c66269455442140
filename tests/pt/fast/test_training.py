"""Products by oneDNN in training: taken, right, and out of the way of the rest."""

import pytest
import torch
from torch.nn import functional

from albert.pt import fast
from albert.pt.fast import training

B, S, INNER, OUTER = 3, 7, 5, 11


@pytest.fixture
def taken(monkeypatch):
    """Count the products of oneDNN."""
    count = []
    multiply = training._multiply
    monkeypatch.setattr(
        training,
        "_multiply",
        lambda *arguments: count.append(1) or multiply(*arguments),
    )
    return count


def layer():
    torch.manual_seed(2)
    return torch.nn.Linear(INNER, OUTER)


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", [(B, S), (S,), (1, 1)])
def test_gradients(taken, shape):
    linear, inputs, outer = (
        layer(),
        draw(*shape, INNER).requires_grad_(),
        draw(*shape, OUTER),
    )
    found = fast.project(linear, inputs)
    found.backward(outer)
    assert len(taken) == 3
    double = inputs.detach().double().requires_grad_()
    weight, bias = (
        one.detach().double().requires_grad_() for one in linear.parameters()
    )
    right = functional.linear(double, weight, bias)
    right.backward(outer.double())
    for one, other in [
        (found, right),
        (inputs.grad, double.grad),
        (linear.weight.grad, weight.grad),
        (linear.bias.grad, bias.grad),
    ]:
        # Sums of up to 21 products of about 1, each rounded to 6e-8.
        torch.testing.assert_close(one.double(), other, rtol=0, atol=5e-6)


@pytest.mark.parametrize("frozen", ["inputs", "weight", "bias", "both"])
def test_what_needs_no_gradient_gets_none(taken, frozen):
    linear, inputs = layer(), draw(B, S, INNER)
    inputs.requires_grad_(frozen != "inputs")
    linear.weight.requires_grad_(frozen not in ("weight", "both"))
    linear.bias.requires_grad_(frozen not in ("bias", "both"))
    fast.project(linear, inputs).sum().backward()
    assert len(taken) == (3 if frozen == "bias" else 2)
    assert (inputs.grad is None) is (frozen == "inputs")
    assert (linear.weight.grad is None) is (frozen in ("weight", "both"))
    assert (linear.bias.grad is None) is (frozen in ("bias", "both"))


def test_gradients_of_a_model(lab, class_name, taken):
    def loss(outputs):
        bare = class_name == "AlbertModel"
        return outputs.pooler_output.sum() if bare else outputs.loss

    inputs = lab.tensors({**lab.inputs(class_name), **lab.labels(class_name)})
    model, double = lab.model(class_name), lab.model(class_name, torch.float64)
    loss(model(**inputs)).backward()
    # Six blocks of six products, each forward, to its inputs and to its matrix.
    assert len(taken) == 6 * 6 * 3
    loss(double(**inputs)).backward()
    for (name, one), (_, other) in zip(
        model.named_parameters(), double.named_parameters(), strict=True
    ):
        if other.grad is None:
            assert one.grad is None, name
            continue
        torch.testing.assert_close(
            one.grad.double(), other.grad, rtol=1e-4, atol=1e-5, msg=name
        )


def test_gradients_of_gradients(taken):
    linear, inputs = layer(), draw(B, INNER).requires_grad_()

    def slope(linear, inputs):
        out = fast.project(linear, inputs).pow(3).sum()
        (slope,) = torch.autograd.grad(out, inputs, create_graph=True)
        slope.square().sum().backward()
        return linear.weight.grad, inputs.grad

    found = slope(linear, inputs)
    # Forward, and in the end backward; in between PyTorch's own, which has a gradient.
    assert len(taken) == 3
    double = layer().double()
    right = slope(double, inputs.detach().double().requires_grad_())
    for one, other in zip(found, right, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-4)


def test_many_gradients_at_once():
    linear, inputs = layer(), draw(B, INNER).requires_grad_()
    out = fast.project(linear, inputs)
    (found,) = torch.autograd.grad(
        out,
        inputs,
        torch.eye(B * OUTER).view(B * OUTER, B, OUTER),
        is_grads_batched=True,
    )
    right = torch.autograd.functional.jacobian(
        lambda one: functional.linear(one, linear.weight), inputs
    ).view(B * OUTER, B, INNER)
    torch.testing.assert_close(found, right, rtol=0, atol=1e-6)


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpointing(lab, use_reentrant):
    grads = []
    for on in (True, False):
        model = lab.model("AlbertModel").train()
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        if on:
            model.gradient_checkpointing_enable({"use_reentrant": use_reentrant})
        model(torch.arange(21).view(B, S)).pooler_output.sum().backward()
        grads.append(model.get_input_embeddings().weight.grad)
    torch.testing.assert_close(*grads, rtol=0, atol=1e-6)


def _without_gradients(linear, inputs):
    with torch.no_grad():
        return fast.project(linear, inputs)


def _off(linear, inputs):
    with fast.using(onednn=False):
        return fast.project(linear, inputs)


def _off_in_pytorch(linear, inputs):
    with torch.backends.mkldnn.flags(enabled=False):
        return fast.project(linear, inputs)


def _autocast(linear, inputs):
    with torch.autocast("cpu", torch.bfloat16):
        return fast.project(linear, inputs)


def _forward_mode(linear, inputs):
    return torch.func.jvp(lambda one: fast.project(linear, one), (inputs,), (inputs,))[
        0
    ]


def _double(linear, inputs):
    return fast.project(linear.double(), inputs.double()).float()


def _hooked(linear, inputs):
    linear.register_forward_hook(lambda *_: None)
    return fast.project(linear, inputs)


def _quantised(linear, inputs):
    return fast.project(torch.nn.Sequential(linear), inputs)


@pytest.mark.parametrize(
    "call",
    [
        _without_gradients,
        _off,
        _off_in_pytorch,
        _autocast,
        _forward_mode,
        _double,
        _hooked,
        _quantised,
    ],
)
@pytest.mark.filterwarnings("ignore:TF32:UserWarning")
@pytest.mark.filterwarnings("ignore:.*jit.script:DeprecationWarning")
def test_the_plain_way(taken, call):
    found = call(layer(), draw(B, S, INNER))
    assert taken == []
    right = layer()(draw(B, S, INNER))
    tolerance = 0.05 if call is _autocast else 1e-6
    torch.testing.assert_close(found.float(), right, rtol=0, atol=tolerance)


def test_compiled(lab, taken):
    model = lab.model("AlbertModel")
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    ids = torch.arange(21).view(B, S)
    compiled(ids).pooler_output.sum().backward()
    assert taken == []
    assert model.pooler.weight.grad is not None
