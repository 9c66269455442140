"""The optimizers as users of PyTorch meet them; conformance has their numbers."""

import copy
import io
import math

import pytest
import torch
from torch import nn

from albert.common.training.rules import OptimizerSettings
from albert.common.training.schedules import PolynomialDecay
from albert.pt.optimizers import (
    AdamW,
    Lamb,
    clip_by_global_norm,
    make_optimizer,
    parameter_groups,
)

KINDS = {"lamb": Lamb, "adamw": AdamW}


def _net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5), nn.Linear(5, 2))


def _step(model, optimizer, number):
    torch.manual_seed(number)
    optimizer.zero_grad()
    loss = model(torch.randn(4, 3)).square().mean()
    loss.backward()
    optimizer.step()
    return loss.item()


def _same(one, other):
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


def _after(optimizer_of, steps=4):
    model = _net()
    optimizer = optimizer_of(model)
    for number in range(steps):
        _step(model, optimizer, number)
    return model


@pytest.mark.parametrize("kind", KINDS.values())
def test_groups_names_and_plain_parameters_are_treated_alike(kind):
    plain = _after(lambda model: kind(model.parameters(), 0.01))
    for given in (
        lambda model: model.named_parameters(),
        parameter_groups,
        lambda model: [{"params": [one]} for one in model.parameters()],
    ):
        assert _same(plain, _after(lambda model, given=given: kind(given(model), 0.01)))
    none_out = [{"params": list(_net().parameters()), "left_out": False}]
    assert kind(none_out, 0.01).param_groups[0]["left_out"] is False


def test_parameter_groups_of_our_model(lab):
    model = lab.model("AlbertForSequenceClassification")
    model.albert.pooler.requires_grad_(False)
    groups = parameter_groups(model)
    assert [group["left_out"] for group in groups] == [False, True]
    kinds = {
        id(model._get_weight(row)): row.kind.pt == "bias" or len(row.letters) == 1
        for row in model.weight_rows()
    }
    found = [[kinds[id(p)] for p in group["params"]] for group in groups]
    assert not any(found[0]) and all(found[1])
    assert len(found[0]) + len(found[1]) == len(kinds) - 2
    assert parameter_groups(nn.ReLU()) == []


def test_make_optimizer(lab):
    model = lab.model("AlbertForMaskedLM")
    optimizer = make_optimizer(model, OptimizerSettings("adamw", (0.8, 0.9)), 0.1)
    assert type(optimizer) is AdamW
    assert len(optimizer.param_groups) == 2
    assert optimizer.param_groups[0]["betas"] == (0.8, 0.9)
    assert type(make_optimizer([*model.parameters()], OptimizerSettings(), 0.1)) is Lamb


def test_with_correction_adamw_is_pytorchs():
    def theirs(model):
        groups = parameter_groups(model)
        for group in groups:
            group["weight_decay"] = 0.0 if group.pop("left_out") else 0.1
        return torch.optim.AdamW(groups, 0.01, eps=1e-6)

    right = _after(theirs)
    found = _after(
        lambda model: AdamW(
            model.parameters(), 0.01, weight_decay=0.1, bias_correction=True
        )
    )
    for one, other in zip(found.parameters(), right.parameters(), strict=True):
        # Theirs decays the weight first, ours adds the decay to the update.
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS.values())
def test_saved_and_loaded_in_the_middle(kind):
    schedule = PolynomialDecay(0.01, 8, 2)
    model = _net()
    optimizer = kind(model.parameters(), schedule)
    rates = []
    for number in range(3):
        _step(model, optimizer, number)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [schedule.rate(step) for step in range(3)]
    file = io.BytesIO()
    torch.save([model.state_dict(), optimizer.state_dict()], file)
    file.seek(0)
    weights, state = torch.load(file, weights_only=True)
    again = _net(1)
    again.load_state_dict(weights)
    continued = kind(again.parameters(), schedule)
    continued.load_state_dict(state)
    for number in range(3, 5):
        _step(model, optimizer, number)
        _step(again, continued, number)
    assert _same(model, again)
    assert continued.param_groups[0]["lr"] == schedule.rate(4)
    copied = copy.deepcopy(optimizer)
    assert copied.learning_rate == schedule


def test_a_scheduler_of_pytorch_sets_the_rate():
    model = _net()
    optimizer = Lamb(model.parameters(), 0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 1 / (step + 1)
    )
    for number in range(2):
        _step(model, optimizer, number)
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 / 3)


def test_a_gradient_scaler_leaves_out_what_is_not_finite():
    model = _net()
    before = copy.deepcopy(model)
    optimizer = Lamb(model.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(model(torch.full((1, 3), math.inf)).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    assert _same(model, before)
    assert scaler.get_scale() == 2.0
    optimizer.zero_grad()
    scaler.scale(model(torch.ones(1, 3)).square().sum()).backward()
    scaler.unscale_(optimizer)
    clip_by_global_norm([p.grad for p in model.parameters()], 1.0)
    scaler.step(optimizer)
    assert not _same(model, before)


def test_a_closure_and_parameters_without_a_gradient():
    model = _net()
    model[0].requires_grad_(False)
    optimizer = AdamW(model.parameters(), 1e-3)

    def closure():
        optimizer.zero_grad()
        loss = model(torch.ones(1, 3)).square().sum()
        loss.backward()
        return loss

    first = optimizer.step(closure)
    assert optimizer.step(closure) < first
    assert torch.equal(model[0].weight, _net()[0].weight)
    assert len(optimizer.state) == 4


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_types(dtype):
    model = _net().to(dtype)
    optimizer = Lamb(model.parameters(), 0.01)
    for _ in range(2):
        model(torch.ones(1, 3, dtype=dtype)).square().sum().backward()
        _, norm = clip_by_global_norm([p.grad for p in model.parameters()], 1.0)
        assert norm.dtype == torch.promote_types(dtype, torch.float32)
        optimizer.step()
    assert all(p.dtype == dtype and p.isfinite().all() for p in model.parameters())


def test_clip_by_global_norm():
    gradients = [torch.tensor([3.0, 0.0]), torch.tensor([[4.0]])]
    clipped, norm = clip_by_global_norm(gradients, 2.0)
    assert norm == 5.0
    assert torch.equal(clipped[0], torch.tensor([1.2, 0.0]))
    assert clipped[1] is gradients[1]
    clipped, norm = clip_by_global_norm(gradients, 2.5)
    assert norm == 2.0
    assert torch.equal(clipped[0], torch.tensor([1.2, 0.0]))
    for bad in (math.inf, math.nan):
        gradients[0][0] = bad
        clipped, norm = clip_by_global_norm(gradients, 2.0)
        assert not norm.isfinite()
        assert all(one.isnan().all() for one in clipped)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: clip_by_global_norm([torch.ones(1)], 0.0),
            "max_norm must be above 0 and finite, but is 0.0.",
        ),
        (
            lambda: clip_by_global_norm([], 1.0),
            "gradients must not be empty: has backward() been called?",
        ),
        (
            lambda: Lamb([torch.ones(1)], math.nan),
            "learning_rate must be finite, but is nan.",
        ),
        (
            lambda: AdamW([torch.ones(1)], 0.1, epsilon=-1.0),
            "epsilon must be 0 or more and finite, but is -1.0.",
        ),
    ],
)
def test_nonsense_is_refused(call, text):
    with pytest.raises(ValueError) as raised:
        call()
    assert str(raised.value) == text
