"""New weights, ties, loading and saving."""

import copy
import json
import os
import pickle
import warnings

import numpy as np
import pytest
import safetensors
import torch
from safetensors.torch import load_file, save_file

import albert.pt
from albert import AlbertConfig

WORDS = "albert.embeddings.word_embeddings.weight"


def assert_same_state(found, right):
    found, right = found.state_dict(), right.state_dict()
    assert found.keys() == right.keys()
    for name, tensor in right.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor), name


def assert_tied(model):
    words = model.albert.embeddings.word_embeddings.weight
    assert model.predictions.decoder.weight is words
    assert model.predictions.decoder.bias is model.predictions.bias


def quietly(load, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load(*arguments, **options)


# New weights


def test_new_weights(class_name):
    config = AlbertConfig(
        vocab_size=1009,
        embedding_size=50,
        hidden_size=60,
        num_hidden_layers=2,
        num_hidden_groups=2,
        num_attention_heads=3,
        intermediate_size=70,
        initializer_range=0.05,
        num_labels=40,
    )
    model = getattr(albert.pt, class_name)(config)
    assert model.training
    matrices = 0
    for row in model.weight_rows():
        weight = model._get_weight(row).detach()
        assert weight.shape == row.shape(config)
        if row.canonical.endswith("bias"):
            assert (weight == 0).all(), row.canonical
        elif "LayerNorm" in row.canonical or "layer_norm" in row.canonical:
            assert (weight == 1).all(), row.canonical
        else:
            assert weight.abs().max() <= 2 * 0.05
            # A normal cut at two deviations has 0.8796 of the deviation.
            if weight.numel() > 1000:
                assert weight.std() == pytest.approx(0.8796 * 0.05, rel=0.08)
                assert abs(weight.mean()) < 0.006
                matrices += 1
    assert matrices >= 15


def test_new_weights_are_cut_and_not_clipped():
    config = AlbertConfig.preset(
        "albert-base-v2", hidden_size=24, num_attention_heads=4, intermediate_size=37
    )
    table = albert.pt.AlbertModel(config).embeddings.word_embeddings.weight.detach()
    # Of 3.8 million values, clipping would put one in twenty on the edge itself.
    assert table.abs().max() <= 0.04
    assert (table.abs() > 0.0399).float().mean() < 0.002
    within = (table.abs() < 0.02).float().mean()
    assert within == pytest.approx(0.6827 / 0.9545, abs=0.005)


def test_new_weights_follow_the_seed(lab, class_name):
    models = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        models.append(getattr(albert.pt, class_name)(lab.config()))
    assert_same_state(models[0], models[1])
    words = [model.get_input_embeddings().weight for model in models]
    assert not torch.equal(words[0], words[2])


def test_groups_and_blocks_differ(lab):
    model = albert.pt.AlbertModel(lab.config())
    weights = [
        layer.ffn.weight
        for group in model.encoder.albert_layer_groups
        for layer in group.albert_layers
    ]
    assert len(weights) == 4
    for index, weight in enumerate(weights):
        assert all(not torch.equal(weight, other) for other in weights[:index])


# Properties


def test_properties(lab, class_name):
    model = lab.model(class_name)
    assert model.dtype == torch.float32
    assert model.device == torch.device("cpu")
    assert model.config == lab.config()
    base = model if class_name == "AlbertModel" else model.albert
    assert model.get_base_model() is base
    assert model.get_input_embeddings() is base.embeddings.word_embeddings
    assert model.to(torch.bfloat16).dtype == torch.bfloat16
    assert model.to("meta").device == torch.device("meta")


def test_number_of_parameters_counts_shared_ones_once(lab, class_name):
    model = lab.model(class_name)
    config = lab.config()
    expected = sum(int(np.prod(row.shape(config))) for row in model.weight_rows())
    assert model.num_parameters() == expected


@pytest.mark.parametrize(
    ("given", "kind"), [({"hidden_size": 24}, "dict"), ("albert-demo", "str")]
)
def test_configuration_of_another_kind(class_name, given, kind):
    with pytest.raises(TypeError) as caught:
        getattr(albert.pt, class_name)(given)
    assert str(caught.value) == (
        f"config must be an AlbertConfig, but is a {kind}; to load a checkpoint use "
        f"{class_name}.from_pretrained."
    )


def test_configuration_is_checked(lab, class_name):
    config = lab.config()
    config.num_attention_heads = 5
    with pytest.raises(ValueError) as caught:
        getattr(albert.pt, class_name)(config)
    assert str(caught.value) == (
        "hidden_size must be a multiple of num_attention_heads, but 24 is not a "
        "multiple of 5."
    )


# Ties

tied_classes = pytest.mark.parametrize(
    "tied_class", ["AlbertForPreTraining", "AlbertForMaskedLM"]
)


def _reload(model, folder):
    model.save_pretrained(folder)
    return type(model).from_pretrained(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda model, _: model,
        _reload,
        lambda model, _: copy.deepcopy(model),
        lambda model, _: pickle.loads(pickle.dumps(model)),
        lambda model, _: model.to(torch.float64),
        lambda model, _: model.bfloat16().float(),
        lambda model, _: (model.load_state_dict(model.state_dict()), model)[1],
    ],
    ids=["new", "reload", "deepcopy", "pickle", "to", "bfloat16", "load_state_dict"],
)
@tied_classes
def test_ties_hold(lab, tied_class, change, tmp_path):
    model = change(getattr(albert.pt, tied_class)(lab.config()), tmp_path)
    assert_tied(model)
    # And one is still the other after a step of training.
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(**lab.tensors({**lab.inputs(tied_class), **lab.labels(tied_class)}))[
        "loss"
    ].backward()
    before = model.predictions.decoder.weight.detach().clone()
    optimizer.step()
    words = model.albert.embeddings.word_embeddings.weight
    assert not torch.equal(words, before)
    assert torch.equal(model.predictions.decoder.weight, words)
    assert torch.equal(model.predictions.decoder.bias, model.predictions.bias)


@tied_classes
def test_tie_weights_mends_a_broken_tie(lab, tied_class):
    model = lab.model(tied_class)
    model.predictions.decoder.weight = torch.nn.Parameter(torch.zeros(101, 5))
    model.predictions.decoder.bias = torch.nn.Parameter(torch.zeros(101))
    model.tie_weights()
    assert_tied(model)
    assert_same_state(model, lab.model(tied_class))


# Saving and loading


def test_round_trip(lab, class_name, tmp_path):
    model = lab.model(class_name)
    model.save_pretrained(tmp_path)
    loaded = quietly(type(model).from_pretrained, tmp_path)
    assert type(loaded) is type(model)
    assert_same_state(loaded, model)
    assert not any(module.training for module in loaded.modules())
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    saved = lab.config(architectures=[class_name], dtype="float32")
    assert loaded.config == saved
    tensors = lab.tensors(lab.inputs(class_name))
    torch.testing.assert_close(
        loaded(**tensors).to_tuple(), model(**tensors).to_tuple(), rtol=0, atol=0
    )


def test_saved_files(lab, class_name, tmp_path):
    model = lab.model(class_name)
    model.save_pretrained(str(tmp_path / "a" / "b"))
    folder = tmp_path / "a" / "b"
    assert set(os.listdir(folder)) == {"config.json", "model.safetensors"}
    with safetensors.safe_open(folder / "model.safetensors", "pt") as opened:
        assert opened.metadata() == {"format": "pt"}
    stored, state = load_file(folder / "model.safetensors"), model.state_dict()
    assert stored.keys() == state.keys() - {
        "predictions.decoder.weight",
        "predictions.decoder.bias",
    }
    for name, tensor in stored.items():
        assert torch.equal(tensor, state[name])
    saved = json.loads((folder / "config.json").read_text("utf-8"))
    assert saved["architectures"] == [class_name]
    assert saved["dtype"] == "float32"
    assert saved["model_type"] == "albert"
    # The caller's configuration is as it was.
    assert model.config == lab.config()


def test_saving_twice_writes_the_same_bytes(lab, tmp_path):
    model = lab.model("AlbertForMaskedLM")
    model.save_pretrained(tmp_path / "one")
    type(model).from_pretrained(tmp_path / "one").save_pretrained(tmp_path / "two")
    for name in ("config.json", "model.safetensors"):
        one, two = (tmp_path / folder / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_model_may_be_saved_over_what_it_was_loaded_from(lab, tmp_path):
    lab.model("AlbertModel").save_pretrained(tmp_path)
    model = albert.pt.AlbertModel.from_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    assert_same_state(albert.pt.AlbertModel.from_pretrained(tmp_path), model)


def test_saving_into_a_file_is_an_error(lab, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError) as caught:
        lab.model("AlbertModel").save_pretrained(tmp_path / "file")
    assert str(caught.value) == (
        f"save_directory {str(tmp_path / 'file')!r} is a file; give the path of a "
        "folder."
    )


def test_failing_save_leaves_the_old_checkpoint(lab, tmp_path, monkeypatch):
    model = lab.model("AlbertModel")
    model.save_pretrained(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(_, temporary, **__):
        temporary.write_bytes(b"part")
        raise OSError("disk full")

    monkeypatch.setattr(safetensors, "serialize_file", fail)
    with torch.no_grad():
        model.pooler.bias += 1
    with pytest.raises(OSError, match=r"^disk full$"):
        model.save_pretrained(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_two_loads_are_equal(class_name):
    load = getattr(albert.pt, class_name).from_pretrained
    models = []
    for _ in range(2):
        torch.manual_seed(3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            models.append(load("albert-demo"))
    assert_same_state(*models)


TYPES = ("float32", "float16", "bfloat16", "float64")


@pytest.mark.parametrize("asked", [*TYPES, None, "auto"])
@pytest.mark.parametrize("stored", TYPES)
def test_types(lab, tmp_path, stored, asked):
    model = lab.model("AlbertForMaskedLM", getattr(torch, stored))
    model.save_pretrained(tmp_path)
    loaded = albert.pt.AlbertForMaskedLM.from_pretrained(tmp_path, dtype=asked)
    name = {None: "float32", "auto": stored}.get(asked, asked)
    assert_same_state(loaded, model.to(getattr(torch, name)))
    assert_tied(loaded)


@pytest.mark.parametrize("stored", TYPES)
def test_type_of_the_file(lab, tmp_path, stored):
    lab.model("AlbertModel", getattr(torch, stored)).save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors").values()
    assert {tensor.dtype for tensor in tensors} == {getattr(torch, stored)}
    saved = json.loads((tmp_path / "config.json").read_text("utf-8"))
    assert saved["dtype"] == stored


@pytest.mark.parametrize("keyword", ["dtype", "torch_dtype"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, "bfloat16", "torch.bfloat16"])
def test_ways_to_give_a_type(lab, tmp_path, keyword, dtype):
    lab.model("AlbertModel").save_pretrained(tmp_path)
    load = albert.pt.AlbertModel.from_pretrained
    assert load(tmp_path, **{keyword: dtype}).dtype == torch.bfloat16


@pytest.mark.parametrize("dtype", ["int8", torch.int8, "float"])
def test_type_that_weights_never_have(lab, tmp_path, dtype):
    lab.model("AlbertModel").save_pretrained(tmp_path)
    with pytest.raises(ValueError) as caught:
        albert.pt.AlbertModel.from_pretrained(tmp_path, dtype=dtype)
    assert str(caught.value) == (
        "dtype must be float32, float16, bfloat16, float64 or 'auto', but is "
        f"{dtype!r}."
    )


# What does not fit

DEMO = os.path.join(os.path.dirname(albert.__file__), "assets", "albert-demo")


def at(folder):
    return repr(str(folder / "model.safetensors"))


def warning_of(head, *missing, source=DEMO):
    lines = "".join(f"\n  missing: {name}" for name in missing)
    path = os.path.join(source, "model.safetensors")
    return (
        f"{path!r} has no weights for {head}, which start from random values: train "
        f"the model before you use it.{lines}"
    )


@pytest.mark.parametrize(
    ("name", "head", "missing"),
    [
        (
            "AlbertForSequenceClassification",
            "classifier",
            ("classifier.weight", "classifier.bias"),
        ),
        (
            "AlbertForMultipleChoice",
            "choice",
            ("classifier.weight", "classifier.bias"),
        ),
        (
            "AlbertForTokenClassification",
            "classifier",
            ("classifier.weight", "classifier.bias"),
        ),
        (
            "AlbertForQuestionAnswering",
            "qa_outputs",
            ("qa_outputs.weight", "qa_outputs.bias"),
        ),
    ],
)
def test_missing_head_warns_and_is_new(name, head, missing):
    with pytest.warns(UserWarning) as caught:
        model, info = getattr(albert.pt, name).from_pretrained(
            "albert-demo", output_loading_info=True
        )
    assert [str(warning.message) for warning in caught] == [warning_of(head, *missing)]
    assert caught[0].filename == __file__
    assert info["missing_keys"] == list(missing)
    weight, bias = (model.get_parameter(key).detach() for key in missing)
    assert weight.abs().max() > 0
    assert weight.abs().max() <= 2 * model.config.initializer_range
    assert (bias == 0).all()
    assert not any(parameter.is_meta for parameter in model.parameters())


def test_demo_has_both_heads_of_pre_training():
    for name in ("AlbertModel", "AlbertForPreTraining", "AlbertForMaskedLM"):
        model = quietly(getattr(albert.pt, name).from_pretrained, "albert-demo")
        assert model.dtype == torch.float32


@pytest.mark.parametrize("dtype", TYPES)
def test_missing_heads_of_every_type(lab, tmp_path, dtype):
    lab.model("AlbertModel").save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match=r"no weights for predictions, sop_classifier"):
        model = albert.pt.AlbertForPreTraining.from_pretrained(tmp_path, dtype=dtype)
    assert {parameter.dtype for parameter in model.parameters()} == {
        getattr(torch, dtype)
    }
    assert_tied(model)
    head = model.predictions
    assert (head.LayerNorm.weight == 1).all()
    assert (head.LayerNorm.bias == 0).all()
    assert (head.bias == 0).all()
    assert (head.dense.bias == 0).all()
    for weight in (head.dense.weight, model.sop_classifier.classifier.weight):
        assert 0 < weight.abs().max() <= 0.0401
        assert float(weight.detach().std()) == pytest.approx(0.8796 * 0.02, rel=0.35)
    words = lab.weights(lab.config(), "AlbertModel")[WORDS]
    expected = torch.tensor(words).to(getattr(torch, dtype))
    assert torch.equal(head.decoder.weight, expected)


def test_missing_head_follows_the_seed(lab, tmp_path):
    lab.model("AlbertModel").save_pretrained(tmp_path)
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        with pytest.warns(UserWarning, match=r"no weights for qa_outputs,"):
            model = albert.pt.AlbertForQuestionAnswering.from_pretrained(tmp_path)
        found.append(model.qa_outputs.weight)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_missing_backbone_is_an_error(lab, tmp_path):
    lab.model("AlbertModel").save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    for name in (
        "embeddings.LayerNorm.bias",
        "encoder.embedding_hidden_mapping_in.bias",
    ):
        del tensors[name]
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(ValueError) as caught:
        albert.pt.AlbertModel.from_pretrained(tmp_path)
    assert str(caught.value) == (
        f"{at(tmp_path)} does not fit the model:\n"
        "  missing: albert.embeddings.LayerNorm.bias\n"
        "  missing: albert.encoder.embedding_hidden_mapping_in.bias"
    )


def test_other_number_of_labels(lab, tmp_path):
    name = "AlbertForSequenceClassification"
    lab.model(name).save_pretrained(tmp_path)
    load = getattr(albert.pt, name).from_pretrained
    misshapen = (
        "  mis-shaped: classifier.weight is [8, 24], the model needs [6, 24]\n"
        "  mis-shaped: classifier.bias is [8], the model needs [6]"
    )
    with pytest.raises(ValueError) as caught:
        load(tmp_path, num_labels=6)
    assert str(caught.value) == (
        f"{at(tmp_path)} does not fit the model:\n{misshapen}\n"
        "Set num_labels to the checkpoint's, or pass ignore_mismatched_sizes=True for "
        "a new head."
    )
    with pytest.warns(UserWarning) as warned:
        model, info = load(
            tmp_path,
            num_labels=6,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    message = warning_of("classifier", source=str(tmp_path))
    assert [str(w.message) for w in warned] == [f"{message}\n{misshapen}"]
    assert info == {
        "missing_keys": [],
        "unexpected_keys": [],
        "mismatched_keys": [
            ("classifier.weight", (8, 24), (6, 24)),
            ("classifier.bias", (8,), (6,)),
        ],
        "unused_keys": [],
    }
    assert model.classifier.weight.shape == (6, 24)
    assert 0 < model.classifier.weight.abs().max() <= 0.04
    assert (model.classifier.bias == 0).all()
    assert model.config.num_labels == 6
    assert torch.equal(model.albert.pooler.bias, lab.model(name).albert.pooler.bias)


def test_loading_info(lab, tmp_path):
    lab.model("AlbertForPreTraining").save_pretrained(tmp_path)
    _, info = albert.pt.AlbertForMaskedLM.from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert info == {
        "missing_keys": [],
        "unexpected_keys": [],
        "mismatched_keys": [],
        "unused_keys": [
            "albert.pooler.weight",
            "albert.pooler.bias",
            "sop_classifier.classifier.weight",
            "sop_classifier.classifier.bias",
        ],
    }


def test_file_of_transformers(lab, class_name, tmp_path):
    """With constants and both copies of what is tied, as PyTorch files had them."""
    model = lab.model(class_name)
    model.config.save_pretrained(tmp_path)
    prefix = "" if class_name == "AlbertModel" else "albert."
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state[f"{prefix}embeddings.position_ids"] = torch.arange(19)[None]
    save_file(state, tmp_path / "model.safetensors", {"format": "pt"})
    for dtype in (None, "auto"):
        loaded = quietly(type(model).from_pretrained, tmp_path, dtype=dtype)
        assert_same_state(loaded, model)


# Arguments of from_pretrained


def test_fields_may_be_overridden(lab, tmp_path):
    lab.model("AlbertModel").save_pretrained(tmp_path)
    model = albert.pt.AlbertModel.from_pretrained(
        tmp_path, hidden_dropout_prob=0.5, attn_implementation="eager"
    )
    assert model.config.hidden_dropout_prob == 0.5
    assert model.config.attn_implementation == "eager"
    assert model.embeddings.dropout.p == 0.5


def test_configuration_may_be_given(lab, tmp_path):
    lab.model("AlbertModel").save_pretrained(tmp_path)
    config = lab.config(hidden_act="relu")
    model = albert.pt.AlbertModel.from_pretrained(tmp_path, config=config)
    assert model.config is config
    inputs = lab.inputs("AlbertModel")
    expected = lab.oracle("AlbertModel", inputs, hidden_act="relu")
    lab.compare(
        model(**lab.tensors(inputs), output_hidden_states=True, output_attentions=True),
        expected,
        2e-5,
    )


def test_pooling_layer_may_be_left_out(lab, tmp_path):
    lab.model("AlbertModel").save_pretrained(tmp_path)
    model, info = quietly(
        albert.pt.AlbertModel.from_pretrained,
        tmp_path,
        add_pooling_layer=False,
        output_loading_info=True,
    )
    assert model.pooler is None
    assert info["unused_keys"] == ["albert.pooler.weight", "albert.pooler.bias"]
    model.save_pretrained(tmp_path / "bare")
    stored = load_file(tmp_path / "bare" / "model.safetensors")
    assert not [name for name in stored if "pooler" in name]


@pytest.mark.parametrize("name", ["AlbertModel", "AlbertForMaskedLM"])
def test_unknown_argument(name):
    with pytest.raises(TypeError) as caught:
        getattr(albert.pt, name).from_pretrained("albert-demo", head_mask="auto")
    assert str(caught.value) == "AlbertConfig has no field 'head_mask'."


def test_only_the_bare_model_takes_add_pooling_layer():
    with pytest.raises(TypeError) as caught:
        albert.pt.AlbertForMaskedLM.from_pretrained(
            "albert-demo", add_pooling_layer=False
        )
    assert str(caught.value) == "AlbertConfig has no field 'add_pooling_layer'."


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        albert.pt.AlbertModel.from_pretrained(tmp_path / "nothing")
    assert str(tmp_path / "nothing") in str(caught.value)


def test_folder_without_weights(lab, tmp_path):
    lab.config().save_pretrained(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        albert.pt.AlbertModel.from_pretrained(tmp_path)
    assert str(caught.value).startswith(
        f"{str(tmp_path)!r} holds no weights in a form that is known: "
        f"model.safetensors, pytorch_model.bin, tf_model.h5, flax_model.msgpack, "
    )


def test_file_instead_of_a_folder(lab, tmp_path):
    model = lab.model("AlbertModel")
    model.save_pretrained(tmp_path)
    loaded = albert.pt.AlbertModel.from_pretrained(tmp_path / "model.safetensors")
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


# Classes of users


class Regressor(albert.pt.AlbertForSequenceClassification):
    """A class of a user's, with the weights of its parent."""


def test_subclass(lab, tmp_path):
    model = Regressor(lab.config())
    model.save_pretrained(tmp_path)
    loaded = quietly(Regressor.from_pretrained, tmp_path)
    assert type(loaded) is Regressor
    assert_same_state(loaded, model)


class WithMore(albert.pt.AlbertForSequenceClassification):
    """A class of a user's, with things that no ALBERT has."""

    def __init__(self, config):
        super().__init__(config)
        self.scale = torch.nn.Parameter(torch.full((3,), 7.0))
        self.norm = torch.nn.BatchNorm1d(3)
        self.register_buffer("window", torch.ones(5))
        self.order = torch.arange(4)


def test_what_a_class_of_a_users_has_beside_is_as_its_constructor_made_it(tmp_path):
    with pytest.warns(UserWarning, match="no weights for classifier"):
        model = WithMore.from_pretrained("albert-demo")
    assert model.scale.tolist() == [7.0, 7.0, 7.0]
    assert model.norm.weight.tolist() == [1.0, 1.0, 1.0]
    assert model.norm.running_var.tolist() == [1.0, 1.0, 1.0]
    assert model.window.tolist() == [1.0] * 5
    assert model.order.tolist() == [0, 1, 2, 3]
    demo = albert.pt.AlbertModel.from_pretrained("albert-demo")
    for name, tensor in demo.state_dict().items():
        assert torch.equal(model.albert.state_dict()[name], tensor)
    with pytest.warns(UserWarning, match=r"not saved: scale, norm\.weight, norm\.bias"):
        model.save_pretrained(tmp_path)


def test_saving_what_a_file_cannot_hold(lab, tmp_path):
    model = lab.model("AlbertForMaskedLM")
    model.predictions.decoder.bias = torch.nn.Parameter(torch.ones(101))
    with pytest.raises(ValueError, match="call tie_weights"):
        model.save_pretrained(tmp_path)
    model.tie_weights()
    model.save_pretrained(tmp_path)
    table = model.get_input_embeddings()
    table.weight = torch.nn.Parameter(torch.ones(7, 5))
    model.tie_weights()
    with pytest.raises(ValueError, match=r"embeddings\.weight is \[7, 5\] instead"):
        model.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="on the meta device has no weights"):
        lab.model("AlbertModel").to("meta").save_pretrained(tmp_path)
