"""The checks of a call's tensors."""

import pytest
import torch

from albert.pt import AlbertModel
from albert.pt.inputs import check_inputs, check_labels, flatten_choices

B, C, S = 3, 9, 7


def check(config, choices=False, **given):
    names = (
        "input_ids",
        "attention_mask",
        "token_type_ids",
        "position_ids",
        "inputs_embeds",
    )
    return check_inputs(config, *(given.get(name) for name in names), choices=choices)


def ints(*shape, value=0, dtype=torch.long):
    return torch.full(shape, value, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.long, torch.int32, torch.uint8])
def test_leading_axes(lab, dtype):
    config = lab.config()
    assert check(config, input_ids=ints(B, S, dtype=dtype)) == (B, S)
    assert check(config, True, input_ids=ints(B, C, S, dtype=dtype)) == (B, C, S)
    assert check(config, inputs_embeds=torch.zeros(B, S, 5)) == (B, S)


@pytest.mark.parametrize(
    ("name", "limit", "number"),
    [
        ("input_ids", "vocab_size", 101),
        ("token_type_ids", "type_vocab_size", 2),
        ("position_ids", "max_position_embeddings", 19),
    ],
)
@pytest.mark.parametrize("dtype", [torch.long, torch.int32])
def test_ids_out_of_range(lab, name, limit, number, dtype):
    given = {"input_ids": ints(B, S), "token_type_ids": ints(B, S)}
    good = ints(B, S, value=number - 1, dtype=dtype)
    assert check(lab.config(), **{**given, name: good}) == (B, S)
    for value in (number, -1):
        bad = good.clone()
        bad[1, 4] = value
        with pytest.raises(ValueError) as caught:
            check(lab.config(), **{**given, name: bad})
        assert str(caught.value) == (
            f"{name} must be at least 0 and below {limit}={number}, but has {value}."
        )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {},
            "give exactly one of input_ids and inputs_embeds, but neither was given.",
        ),
        (
            {"input_ids": ints(B, S), "inputs_embeds": torch.zeros(B, S, 5)},
            "give exactly one of input_ids and inputs_embeds, but both were given.",
        ),
        (
            {"input_ids": ints(S)},
            "input_ids must have the shape [B, S], but has [7].",
        ),
        (
            {"inputs_embeds": torch.zeros(B, S, 24)},
            (
                "inputs_embeds must have embedding_size=5 as its last dimension, but "
                "has the shape [3, 7, 24]."
            ),
        ),
        (
            {"input_ids": ints(B, 20)},
            (
                "input_ids has 20 positions, but max_position_embeddings is 19: "
                "truncate the text or split it."
            ),
        ),
        (
            {"input_ids": ints(B, S), "attention_mask": ints(S, B)},
            ("attention_mask must have the shape [3, 7] of input_ids, but has [7, 3]."),
        ),
        (
            {"input_ids": ints(B, S), "token_type_ids": ints(1, S)},
            ("token_type_ids must have the shape [3, 7] of input_ids, but has [1, 7]."),
        ),
        (
            {"input_ids": ints(B, S), "position_ids": ints(S)},
            "position_ids must have the shape [3, 7] of input_ids, but has [7].",
        ),
    ],
)
def test_every_model_refuses(lab, class_name, given, message):
    model = lab.model(class_name)
    if class_name == "AlbertForMultipleChoice":
        with pytest.raises(ValueError) as caught:
            check(lab.config(), **given)
    else:
        with pytest.raises(ValueError) as caught:
            model(**given)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"input_ids": ints(B, S)},
            "input_ids must have the shape [B, C, S], but has [3, 7].",
        ),
        (
            {"inputs_embeds": torch.zeros(B, S, 5)},
            "inputs_embeds must have the shape [B, C, S, E], but has [3, 7, 5].",
        ),
        (
            {"input_ids": ints(B, C, S), "attention_mask": ints(B, S)},
            (
                "attention_mask must have the shape [3, 9, 7] of input_ids, but has "
                "[3, 7]."
            ),
        ),
        (
            {"input_ids": ints(B, C, S), "position_ids": ints(1, S)},
            (
                "position_ids must have the shape [3, 9, 7] of input_ids, but has "
                "[1, 7]."
            ),
        ),
        (
            {"input_ids": ints(B, C, S, value=101)},
            "input_ids must be at least 0 and below vocab_size=101, but has 101.",
        ),
        (
            {},
            "give exactly one of input_ids and inputs_embeds, but neither was given.",
        ),
    ],
)
def test_multiple_choice_refuses(lab, given, message):
    with pytest.raises(ValueError) as caught:
        lab.model("AlbertForMultipleChoice")(**given)
    assert str(caught.value) == message


def test_values_elsewhere_are_not_read(lab):
    ids = torch.empty((B, S), dtype=torch.long, device="meta")
    assert check(lab.config(), input_ids=ids) == (B, S)
    labels = torch.empty((B,), dtype=torch.long, device="meta")
    assert check_labels("labels", labels, (B,), "[B]", 2, "classes") is None


def test_shapes_elsewhere_are_checked(lab):
    ids = torch.empty((S,), dtype=torch.long, device="meta")
    with pytest.raises(ValueError, match=r"^input_ids must have the shape \[B, S\]"):
        check(lab.config(), input_ids=ids)


def test_labels():
    good = torch.tensor([0, -100, 7])
    assert check_labels("labels", good, (B,), "[B]", 8, "num_labels") is None
    with pytest.raises(ValueError) as caught:
        check_labels("labels", good[None], (B,), "[B]", 8, "num_labels")
    assert str(caught.value) == (
        "labels must have the shape [B] = [3], but has [1, 3]."
    )
    for value in (8, -1, -99):
        bad = torch.tensor([0, -100, value])
        with pytest.raises(ValueError) as caught:
            check_labels("labels", bad, (B,), "[B]", 8, "num_labels")
        assert str(caught.value) == (
            "labels must be at least 0 and below num_labels=8 or -100, but has "
            f"{value}."
        )


def test_flatten_choices():
    tensor = torch.arange(B * C * S).reshape(B, C, S)
    flat = flatten_choices(tensor)
    assert flat.shape == (B * C, S)
    assert torch.equal(flat[1 * C + 4], tensor[1, 4])
    assert flatten_choices(torch.zeros(B, C, S, 5)).shape == (B * C, S, 5)
    assert flatten_choices(None) is None


@pytest.mark.parametrize(
    ("name", "given", "kind"),
    [
        ("input_ids", [[1, 2]], "list"),
        ("input_ids", {"input_ids": [[1, 2]]}, "dict"),
        ("attention_mask", [[1, 1]], "list"),
    ],
)
def test_what_is_no_tensor(name, given, kind):
    model = AlbertModel.from_pretrained("albert-demo")
    arguments = {"input_ids": torch.tensor([[1, 2]]), name: given}
    with pytest.raises(TypeError) as raised:
        model(**arguments)
    assert str(raised.value) == (
        f"{name} must be a torch.Tensor, but is a {kind}; the batch of a tokenizer "
        "with return_tensors='pt' goes in as model(**batch)."
    )
