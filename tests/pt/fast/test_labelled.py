"""A sum over labelled places: the whole one, by chunks, of labelled places only."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from albert.pt.fast import labelled
from albert.pt.fast.labelled import sum_over_labelled

N, E = 23, 5
LABELS = {
    "some": [3, 4, 9, 10, 11, 12, 15, 21, 22],
    "one": [17],
    "none": [],
    "all": list(range(N)),
}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(labelled, "CHUNK", 4)


def data(kind):
    labels = torch.full((N,), -100)
    labels[LABELS[kind]] = torch.arange(len(LABELS[kind]))
    rows = torch.randn(N, E, dtype=torch.float64, requires_grad=True)
    return rows, labels, torch.randn(E, dtype=torch.float64, requires_grad=True)


def make_function(weight, seen=None):
    def function(rows, labels):
        if seen is not None:
            seen.append(len(rows))
        each = torch.sin(rows @ weight) * (labels + 1)
        return torch.where(labels == -100, 0.0, each).sum()

    return function


@pytest.mark.parametrize("kind", LABELS)
def test_value_and_gradients(kind):
    rows, labels, weight = data(kind)
    right = make_function(weight)(rows, labels)
    found = sum_over_labelled(make_function(weight), rows, labels)
    torch.testing.assert_close(found, right)
    slopes = torch.autograd.grad(found, (rows, weight))
    torch.testing.assert_close(slopes, torch.autograd.grad(right, (rows, weight)))


@pytest.mark.parametrize(
    ("kind", "chunks"), [("some", [4, 4, 1]), ("one", [1]), ("none", [0])]
)
def test_only_labelled_places_a_chunk_at_a_time(kind, chunks):
    rows, labels, weight = data(kind)
    seen = []
    sum_over_labelled(make_function(weight, seen), rows, labels)
    assert seen == chunks


def test_several_chunks_are_computed_again_and_only_their_inputs_are_kept():
    rows, labels, weight = data("some")
    seen, kept = [], []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: kept.append(tensor.shape) or tensor, lambda tensor: tensor
    ):
        total = sum_over_labelled(make_function(weight, seen), rows, labels)
    # The numbers of the places and the chunks' inputs.
    parts = [shape for size in (4, 4, 1) for shape in [(size, E), (size,)]]
    assert [tuple(shape) for shape in kept] == [(9,), *parts]
    total.backward()
    assert sorted(seen) == sorted(2 * [4, 4, 1])


@pytest.mark.parametrize("kind", ["some", "none", "all"])
def test_traces_go_through_all_places(kind):
    rows, labels, weight = data(kind)
    function = make_function(weight)
    compiled = torch.compile(
        lambda rows, labels: sum_over_labelled(function, rows, labels),
        backend="eager",
        fullgraph=True,
    )
    found = compiled(rows, labels)
    torch.testing.assert_close(found, function(rows, labels))
    others = torch.where(labels == -100, 3, -100)
    torch.testing.assert_close(compiled(rows, others), function(rows, others))


def test_make_fx_of_tensors_without_values():
    rows, labels, weight = (tensor.detach() for tensor in data("some"))

    def total(rows, labels, weight):
        return sum_over_labelled(make_function(weight), rows, labels)

    graph = make_fx(total, tracing_mode="fake")(rows, labels, weight)
    others = torch.where(labels == -100, 3, -100)
    found = graph(rows, others, weight)
    torch.testing.assert_close(found, make_function(weight)(rows, others))


def test_transforms_of_functions():
    rows, labels, weight = data("some")

    def total(weight, rows, labels):
        return sum_over_labelled(make_function(weight), rows, labels)

    found = torch.func.grad(total)(weight, rows, labels)
    right = torch.autograd.grad(total(weight, rows, labels), weight)[0]
    torch.testing.assert_close(found, right)
    each = torch.func.vmap(torch.func.grad(total), (None, 0, 0))
    found = each(weight, rows[:, None], labels[:, None]).sum(0)
    torch.testing.assert_close(found, right)
