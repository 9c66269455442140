"""The configuration: fields, files, labels, checks and presets."""

import copy
import json
import pickle
import warnings
from pathlib import Path

import pytest

import albert
from albert.common.config import AlbertConfig

# transformers 4.57.6, AlbertConfig.__init__: every argument with its default, in order.
TRANSFORMERS_DEFAULTS = {
    "vocab_size": 30000,
    "embedding_size": 128,
    "hidden_size": 4096,
    "num_hidden_layers": 12,
    "num_hidden_groups": 1,
    "num_attention_heads": 64,
    "intermediate_size": 16384,
    "inner_group_num": 1,
    "hidden_act": "gelu_new",
    "hidden_dropout_prob": 0,
    "attention_probs_dropout_prob": 0,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
    "classifier_dropout_prob": 0.1,
    "position_embedding_type": "absolute",
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
}

# transformers 4.57.6, PretrainedConfig: the settings that concern these models.
GENERAL_DEFAULTS = {
    "architectures": None,
    "output_attentions": False,
    "output_hidden_states": False,
    "return_dict": True,
    "tie_word_embeddings": True,
    "problem_type": None,
    "num_labels": 2,
    "id2label": {0: "LABEL_0", 1: "LABEL_1"},
    "label2id": {"LABEL_0": 0, "LABEL_1": 1},
}

# The hub's albert/albert-base-v2, config.json.
HUB_JSON = {
    "architectures": ["AlbertForMaskedLM"],
    "attention_probs_dropout_prob": 0,
    "bos_token_id": 2,
    "classifier_dropout_prob": 0.1,
    "down_scale_factor": 1,
    "embedding_size": 128,
    "eos_token_id": 3,
    "gap_size": 0,
    "hidden_act": "gelu_new",
    "hidden_dropout_prob": 0,
    "hidden_size": 768,
    "initializer_range": 0.02,
    "inner_group_num": 1,
    "intermediate_size": 3072,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "albert",
    "net_structure_type": 0,
    "num_attention_heads": 12,
    "num_hidden_groups": 1,
    "num_hidden_layers": 12,
    "num_memory_blocks": 0,
    "pad_token_id": 0,
    "type_vocab_size": 2,
    "vocab_size": 30000,
}

# google-research/albert, albert_config.json of albert_base_v2.
GOOGLE_JSON = {
    "attention_probs_dropout_prob": 0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0,
    "embedding_size": 128,
    "hidden_size": 768,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "num_hidden_groups": 1,
    "net_structure_type": 0,
    "gap_size": 0,
    "num_memory_blocks": 0,
    "inner_group_num": 1,
    "down_scale_factor": 1,
    "type_vocab_size": 2,
    "vocab_size": 30000,
}

SMALL = {
    "vocab_size": 101,
    "embedding_size": 5,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 37,
}

ACTIVATIONS = (
    "gelu, gelu_python, gelu_new, gelu_pytorch_tanh, gelu_fast, quick_gelu, relu, "
    "silu, swish, tanh, linear"
)


def small(**changes):
    return AlbertConfig(**{**SMALL, **changes})


def write_json(folder, values, name="config.json"):
    folder.mkdir(exist_ok=True)
    text = values if isinstance(values, str) else json.dumps(values)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


# Fields and defaults


def test_fields_and_order_are_those_of_transformers():
    config = AlbertConfig(*TRANSFORMERS_DEFAULTS.values())
    values = {name: getattr(config, name) for name in TRANSFORMERS_DEFAULTS}
    assert values == TRANSFORMERS_DEFAULTS
    # Distinct values: an exchanged pair of arguments would show.
    changed = {
        "vocab_size": 101,
        "embedding_size": 5,
        "hidden_size": 24,
        "num_hidden_layers": 6,
        "num_hidden_groups": 3,
        "num_attention_heads": 4,
        "intermediate_size": 37,
        "inner_group_num": 2,
        "hidden_act": "relu",
        "hidden_dropout_prob": 0.3,
        "attention_probs_dropout_prob": 0.4,
        "max_position_embeddings": 19,
        "type_vocab_size": 7,
        "initializer_range": 0.05,
        "layer_norm_eps": 1e-5,
        "classifier_dropout_prob": 0.6,
        "position_embedding_type": "absolute",
        "pad_token_id": 8,
        "bos_token_id": 9,
        "eos_token_id": 10,
    }
    assert list(changed) == list(TRANSFORMERS_DEFAULTS)
    config = AlbertConfig(*changed.values())
    assert {name: getattr(config, name) for name in changed} == changed


@pytest.mark.parametrize(
    ("name", "value"), [*TRANSFORMERS_DEFAULTS.items(), *GENERAL_DEFAULTS.items()]
)
def test_default(name, value):
    found = getattr(AlbertConfig(), name)
    assert found == value
    assert isinstance(found, bool) == isinstance(value, bool)


def test_default_attention_and_head_size():
    config = small()
    assert config.attn_implementation == "sdpa"
    assert config.model_type == "albert"
    assert config.head_size == 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("output_attentions", True),
        ("output_hidden_states", True),
        ("return_dict", False),
        ("problem_type", "regression"),
        ("problem_type", "single_label_classification"),
        ("problem_type", "multi_label_classification"),
        ("architectures", ["AlbertModel"]),
        ("attn_implementation", "eager"),
        ("pad_token_id", None),
        ("bos_token_id", None),
        ("eos_token_id", None),
    ],
)
def test_setting_is_kept(name, value):
    assert getattr(small(**{name: value}), name) == value


# Files


def test_hub_json_survives_load_save_load(tmp_path):
    source = write_json(tmp_path / "hub", HUB_JSON)
    first = AlbertConfig.from_pretrained(source)
    assert {name: getattr(first, name) for name in HUB_JSON} == HUB_JSON
    first.save_pretrained(tmp_path / "saved")
    saved = json.loads((tmp_path / "saved" / "config.json").read_text("utf-8"))
    # One field is newer than the file; nothing else was added, changed or lost.
    assert saved == {**HUB_JSON, "position_embedding_type": "absolute"}
    second = AlbertConfig.from_pretrained(tmp_path / "saved")
    assert second == first
    second.save_pretrained(tmp_path / "again")
    texts = [
        (tmp_path / name / "config.json").read_bytes() for name in ("saved", "again")
    ]
    assert texts[0] == texts[1]


def test_hub_json_as_arguments():
    assert AlbertConfig(**HUB_JSON) == AlbertConfig.from_dict(HUB_JSON)


def test_from_dict_leaves_its_argument_alone():
    values = copy.deepcopy(HUB_JSON)
    AlbertConfig.from_dict(values, num_labels=3, hidden_act="relu")
    assert values == HUB_JSON


@pytest.mark.parametrize("key", ["_name_or_path", "hidden_sizes", "transformers_ver"])
def test_unknown_key_of_a_file_is_kept(key):
    config = AlbertConfig.from_dict({**HUB_JSON, key: {"a": [1, None]}})
    assert getattr(config, key) == {"a": [1, None]}
    assert config.to_dict()[key] == {"a": [1, None]}


@pytest.mark.parametrize("key", ["head_size", "layer_groups", "replace", "_keep"])
def test_unknown_key_that_hides_a_member_is_an_error(key):
    with pytest.raises(ValueError) as caught:
        AlbertConfig.from_dict({**HUB_JSON, key: 1})
    assert str(caught.value) == f"the configuration key {key!r} is reserved."


def test_google_json_has_the_tanh_gelu(tmp_path):
    folder = write_json(tmp_path / "google", GOOGLE_JSON, "albert_config.json")
    config = AlbertConfig.from_pretrained(folder)
    assert config.hidden_act == "gelu_new"
    for name, value in GOOGLE_JSON.items():
        if name != "hidden_act":
            assert getattr(config, name) == value
    # Saved again it is transformers' file and no longer translated.
    config.save_pretrained(tmp_path / "saved")
    assert AlbertConfig.from_pretrained(tmp_path / "saved") == config


@pytest.mark.parametrize(
    ("act", "meaning"),
    [
        ("gelu", "gelu_new"),
        ("GELU", "gelu_new"),
        (None, "linear"),
        ("", "linear"),
        ("relu", "relu"),
        ("tanh", "tanh"),
        ("linear", "linear"),
    ],
)
def test_google_activation(act, meaning):
    config = AlbertConfig.from_dict({**GOOGLE_JSON, "hidden_act": act})
    assert config.hidden_act == meaning


def test_google_json_without_activation_has_the_tanh_gelu():
    values = {name: v for name, v in GOOGLE_JSON.items() if name != "hidden_act"}
    assert AlbertConfig.from_dict(values).hidden_act == "gelu_new"


@pytest.mark.parametrize(
    "key",
    [
        {"model_type": "albert"},
        {"architectures": ["AlbertModel"]},
        {"layer_norm_eps": 1e-12},
        {"transformers_version": "4.0"},
    ],
)
def test_gelu_of_transformers_is_the_erf_form(key):
    config = AlbertConfig.from_dict({**GOOGLE_JSON, **key})
    assert config.hidden_act == "gelu"


def test_google_activation_can_be_overridden():
    assert AlbertConfig.from_dict(GOOGLE_JSON, hidden_act="gelu").hidden_act == "gelu"


def test_config_json_comes_before_googles(tmp_path):
    write_json(tmp_path, GOOGLE_JSON, "albert_config.json")
    write_json(tmp_path, {**HUB_JSON, "hidden_act": "relu"})
    assert AlbertConfig.from_pretrained(tmp_path).hidden_act == "relu"


def test_demo_configuration():
    file = Path(albert.__file__).parent / "assets" / "albert-demo" / "config.json"
    values = json.loads(file.read_text("utf-8"))
    config = AlbertConfig.from_pretrained("albert-demo", num_labels=5)
    assert config == AlbertConfig(**{**values, "num_labels": 5})
    assert config.num_labels == 5


def test_other_model_is_refused_by_name():
    with pytest.raises(ValueError) as caught:
        AlbertConfig.from_dict({**HUB_JSON, "model_type": "bert"})
    assert str(caught.value) == (
        "model_type must be 'albert', but this is the configuration of a 'bert' model, "
        "which this package cannot hold."
    )


def test_folder_without_configuration(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        AlbertConfig.from_pretrained(tmp_path)
    assert str(caught.value) == (
        f"{str(tmp_path)!r} holds neither config.json nor albert_config.json."
    )


def test_damaged_json(tmp_path):
    write_json(tmp_path, '{"vocab_size": 3')
    with pytest.raises(ValueError) as caught:
        AlbertConfig.from_pretrained(tmp_path)
    assert str(caught.value) == (
        f"{str(tmp_path / 'config.json')!r} is not valid JSON: "
        "Expecting ',' delimiter: line 1 column 17 (char 16)."
    )


def test_json_that_is_no_object(tmp_path):
    write_json(tmp_path, [1, 2])
    with pytest.raises(ValueError) as caught:
        AlbertConfig.from_json_file(tmp_path / "config.json")
    path = str(tmp_path / "config.json")
    assert str(caught.value) == f"{path!r} does not hold a JSON object."


def test_saving_into_a_file_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError) as caught:
        small().save_pretrained(tmp_path / "file")
    assert str(caught.value) == (
        f"save_directory {str(tmp_path / 'file')!r} is a file; give the path of a "
        "folder."
    )


def test_saving_checks_the_values(tmp_path):
    config = small()
    config.vocab_size = 0
    with pytest.raises(ValueError) as caught:
        config.save_pretrained(tmp_path / "new")
    assert str(caught.value) == (
        "vocab_size must be an integer of at least 1, but is 0."
    )
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_implementation_is_never_saved(tmp_path, attention):
    config = small(attn_implementation=attention)
    assert "attn_implementation" not in config.to_dict()
    assert "attn_implementation" not in config.to_json_string()
    config.save_pretrained(tmp_path)
    assert AlbertConfig.from_pretrained(tmp_path).attn_implementation == "sdpa"


def test_saved_are_all_fields_and_what_differs_from_the_general_defaults():
    fields = {**TRANSFORMERS_DEFAULTS, **SMALL, "model_type": "albert"}
    assert small().to_dict() == fields
    changed = {
        "output_attentions": True,
        "return_dict": False,
        "problem_type": "regression",
        "architectures": ["AlbertModel"],
    }
    assert small(**changed).to_dict() == {**fields, **changed}


def test_to_dict_shares_nothing_with_the_configuration():
    config = small(architectures=["AlbertModel"], extra={"a": [1]})
    values = config.to_dict()
    values["architectures"].append("x")
    values["extra"]["a"].append(2)
    assert config.architectures == ["AlbertModel"]
    assert config.extra == {"a": [1]}


# Labels


@pytest.mark.parametrize(
    ("given", "id2label"),
    [
        ({}, {0: "LABEL_0", 1: "LABEL_1"}),
        ({"num_labels": 1}, {0: "LABEL_0"}),
        ({"num_labels": 3}, {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}),
        ({"id2label": {1: "b", 0: "a"}}, {0: "a", 1: "b"}),
        ({"id2label": {"0": "a", "1": "b", "2": "c"}}, {0: "a", 1: "b", 2: "c"}),
        ({"label2id": {"a": 1, "b": 0}}, {0: "b", 1: "a"}),
        ({"label2id": {"a": "0"}}, {0: "a"}),
        ({"id2label": {0: "a"}, "label2id": {"a": 0}, "num_labels": 1}, {0: "a"}),
        ({"id2label": {0: "a"}, "label2id": {"a": "0"}}, {0: "a"}),
    ],
)
def test_label_maps(given, id2label):
    config = small(**given)
    assert config.id2label == id2label
    assert list(config.id2label) == sorted(id2label)
    assert config.label2id == {label: index for index, label in id2label.items()}
    assert config.num_labels == len(id2label)
    assert AlbertConfig.from_dict(config.to_dict()) == config


def test_more_than_ten_labels_keep_their_order(tmp_path):
    names = {index: f"name {index}" for index in range(12)}
    small(id2label=names).save_pretrained(tmp_path)
    assert list(AlbertConfig.from_pretrained(tmp_path).id2label.items()) == list(
        names.items()
    )


def test_labels_are_saved_unless_they_are_the_default():
    saved = small(id2label={0: "no", 1: "yes"}).to_dict()
    assert saved["id2label"] == {"0": "no", "1": "yes"}
    assert saved["label2id"] == {"no": 0, "yes": 1}
    assert "num_labels" not in saved
    assert not {"id2label", "label2id", "num_labels"} & small().to_dict().keys()


def test_setting_num_labels_renames_only_another_number():
    config = small(id2label={0: "no", 1: "yes"})
    config.num_labels = 2
    assert config.id2label == {0: "no", 1: "yes"}
    config.num_labels = 3
    assert config.id2label == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    assert config.label2id == {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"id2label": {0: "a", 2: "b"}},
            "id2label must number the labels 0, 1, 2 ..., but has [0, 2].",
        ),
        ({"id2label": {}}, "id2label must number the labels 0, 1, 2 ..., but has []."),
        (
            {"label2id": {"a": 1}},
            "id2label must number the labels 0, 1, 2 ..., but has [1].",
        ),
        (
            {"id2label": {0: "a", 1: "a"}},
            "id2label must give every label once, but is {0: 'a', 1: 'a'}.",
        ),
        (
            {"id2label": {0: "a", 1: "b"}, "label2id": {"a": 1, "b": 0}},
            (
                "id2label and label2id must agree, but are {0: 'a', 1: 'b'} and "
                "{'a': 1, 'b': 0}."
            ),
        ),
        (
            {"id2label": {0: "a", 1: "b"}, "num_labels": 3},
            (
                "num_labels must be the number of labels, but is 3 for 2 labels in "
                "id2label."
            ),
        ),
        ({"num_labels": 0}, "num_labels must be an integer of at least 1, but is 0."),
        (
            {"num_labels": 2.0},
            "num_labels must be an integer of at least 1, but is 2.0.",
        ),
    ],
)
def test_label_error(given, message):
    with pytest.raises(ValueError) as caught:
        small(**given)
    assert str(caught.value) == message


def test_validate_sees_label_maps_that_were_changed():
    config = small()
    config.label2id = {"LABEL_0": 1, "LABEL_1": 0}
    with pytest.raises(ValueError) as caught:
        config.validate()
    assert str(caught.value) == (
        "id2label and label2id must agree, but are {0: 'LABEL_0', 1: 'LABEL_1'} and "
        "{'LABEL_0': 1, 'LABEL_1': 0}."
    )


# Validation

POSITIVE = [
    "vocab_size",
    "embedding_size",
    "hidden_size",
    "num_hidden_layers",
    "num_hidden_groups",
    "num_attention_heads",
    "intermediate_size",
    "inner_group_num",
    "max_position_embeddings",
    "type_vocab_size",
]
PROBABILITIES = [
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout_prob",
]


def error_of(**changes):
    with pytest.raises(ValueError) as caught:
        small(**changes)
    return str(caught.value)


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "3", None])
@pytest.mark.parametrize("name", POSITIVE)
def test_size_must_be_a_positive_integer(name, value):
    assert error_of(**{name: value}) == (
        f"{name} must be an integer of at least 1, but is {value!r}."
    )


@pytest.mark.parametrize("value", [-1, 1.0, False, "3"])
@pytest.mark.parametrize("name", ["pad_token_id", "bos_token_id", "eos_token_id"])
def test_token_id_must_not_be_negative(name, value):
    assert error_of(**{name: value}) == (
        f"{name} must be an integer of at least 0, but is {value!r}."
    )


@pytest.mark.parametrize("value", [-0.1, 1, 1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", PROBABILITIES)
def test_probability_must_be_below_one(name, value):
    assert error_of(**{name: value}) == (
        f"{name} must be at least 0 and below 1, but is {value!r}."
    )


@pytest.mark.parametrize("value", ["0.1", None, True])
@pytest.mark.parametrize(
    "name", [*PROBABILITIES, "initializer_range", "layer_norm_eps"]
)
def test_number_must_be_a_number(name, value):
    assert error_of(**{name: value}) == f"{name} must be a number, but is {value!r}."


@pytest.mark.parametrize("value", [0, -0.02, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["initializer_range", "layer_norm_eps"])
def test_number_must_be_positive(name, value):
    assert error_of(**{name: value}) == f"{name} must be above 0, but is {value!r}."


@pytest.mark.parametrize("value", [0, None, "yes"])
@pytest.mark.parametrize(
    "name", ["output_attentions", "output_hidden_states", "return_dict"]
)
def test_flag_must_be_a_truth_value(name, value):
    assert (
        error_of(**{name: value}) == f"{name} must be True or False, but is {value!r}."
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"num_attention_heads": 5},
            (
                "hidden_size must be a multiple of num_attention_heads, but 24 is not "
                "a multiple of 5."
            ),
        ),
        (
            {"num_hidden_groups": 4},
            (
                "num_hidden_groups must be at most num_hidden_layers, but 4 is more "
                "than 3."
            ),
        ),
        (
            {"hidden_act": "mish"},
            f"hidden_act must be one of {ACTIVATIONS}, but is 'mish'.",
        ),
        (
            {"hidden_act": None},
            f"hidden_act must be one of {ACTIVATIONS}, but is None.",
        ),
        (
            {"position_embedding_type": "relative_key"},
            (
                "position_embedding_type must be 'absolute', the only kind that ALBERT "
                "has, but is 'relative_key'."
            ),
        ),
        (
            {"tie_word_embeddings": False},
            (
                "tie_word_embeddings must be True: ALBERT's output layer is its word "
                "embedding table, but it is False."
            ),
        ),
        (
            {"attn_implementation": "flash_attention_2"},
            (
                "attn_implementation must be one of sdpa, eager, but is "
                "'flash_attention_2'."
            ),
        ),
        (
            {"problem_type": "ranking"},
            (
                "problem_type must be None or one of regression, "
                "single_label_classification, multi_label_classification, but is "
                "'ranking'."
            ),
        ),
    ],
)
def test_choice_error(changes, message):
    assert error_of(**changes) == message


@pytest.mark.parametrize("name", ACTIVATIONS.split(", "))
def test_every_activation_is_allowed(name):
    assert small(hidden_act=name).hidden_act == name


def test_validate_checks_changed_values():
    config = small()
    config.validate()
    config.num_attention_heads = 7
    with pytest.raises(ValueError) as caught:
        config.validate()
    assert str(caught.value) == (
        "hidden_size must be a multiple of num_attention_heads, but 24 is not a "
        "multiple of 7."
    )


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("hidden_sizes", "hidden_size"),
        ("num_hidden_group", "num_hidden_groups"),
        ("num_label", "num_labels"),
        ("output_attention", "output_attentions"),
    ],
)
def test_misspelt_field(wrong, right):
    message = f"AlbertConfig has no {wrong!r}; did you mean {right!r}?"
    for make in (
        lambda: small(**{wrong: 1}),
        lambda: AlbertConfig.from_dict(HUB_JSON, **{wrong: 1}),
        lambda: small().replace(**{wrong: 1}),
        lambda: AlbertConfig.preset("albert-base-v2", **{wrong: 1}),
    ):
        with pytest.raises(TypeError) as caught:
            make()
        assert str(caught.value) == message


def test_key_that_resembles_no_field_is_kept():
    assert small(num_memory_blocks=7).num_memory_blocks == 7


def test_warning_of_a_narrow_model_with_xxlarges_width():
    message = (
        "hidden_size is 768 but intermediate_size is 16384, xxlarge's default; ALBERT "
        "uses 4 times hidden_size, 3072."
    )
    with pytest.warns(UserWarning) as caught:
        AlbertConfig(hidden_size=768)
    assert [str(warning.message) for warning in caught] == [message]
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "sizes", [{}, {"hidden_size": 768, "intermediate_size": 3072}, {"vocab_size": 7}]
)
def test_no_warning_of_consistent_widths(sizes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        config = AlbertConfig(**sizes)
    assert config.intermediate_size == 4 * config.hidden_size


# Copies


def test_replace():
    config = small(extra=[1], attn_implementation="eager", id2label={0: "a", 1: "b"})
    before = copy.deepcopy(config)
    changed = config.replace(hidden_size=32, extra=[2])
    assert (changed.hidden_size, changed.extra) == (32, [2])
    assert changed.attn_implementation == "eager"
    assert changed.id2label == {0: "a", 1: "b"}
    assert config == before
    assert changed.replace(hidden_size=24, extra=[1]) == config


def test_replace_shares_nothing():
    config = small(extra=[1])
    config.replace().extra.append(2)
    assert config.extra == [1]


@pytest.mark.parametrize(
    ("labels", "id2label"),
    [
        ({"num_labels": 3}, {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}),
        ({"id2label": {0: "c"}}, {0: "c"}),
        ({"label2id": {"c": 0, "d": 1, "e": 2}}, {0: "c", 1: "d", 2: "e"}),
    ],
)
def test_replace_of_one_label_setting_replaces_all(labels, id2label):
    changed = small(id2label={0: "a", 1: "b"}).replace(**labels)
    assert changed.id2label == id2label
    assert changed.label2id == {label: index for index, label in id2label.items()}


def test_replace_of_an_unknown_field():
    with pytest.raises(TypeError) as caught:
        small().replace(colour="red")
    assert str(caught.value) == "AlbertConfig has no field 'colour'."


def test_replace_of_a_computed_value():
    with pytest.raises(ValueError) as caught:
        small().replace(head_size=3)
    assert str(caught.value) == "the configuration key 'head_size' is reserved."


def test_replace_checks_values():
    with pytest.raises(ValueError) as caught:
        small().replace(num_attention_heads=5)
    assert str(caught.value) == (
        "hidden_size must be a multiple of num_attention_heads, but 24 is not a "
        "multiple of 5."
    )


def test_google_translation_is_not_repeated_by_replace():
    config = AlbertConfig.from_dict(GOOGLE_JSON, hidden_act="gelu")
    assert config.replace(num_labels=3).hidden_act == "gelu"


@pytest.mark.parametrize(
    "duplicate",
    [
        copy.copy,
        copy.deepcopy,
        lambda config: pickle.loads(pickle.dumps(config)),
        lambda config: AlbertConfig.from_dict(
            config.to_dict(), attn_implementation="eager"
        ),
        lambda config: config.replace(),
    ],
    ids=["copy", "deepcopy", "pickle", "to_dict", "replace"],
)
def test_copies_are_equal_and_hash_alike(duplicate):
    config = small(extra={"a": 1}, attn_implementation="eager", num_labels=3)
    other = duplicate(config)
    assert other is not config
    assert other == config
    assert hash(other) == hash(config)
    assert {config: 1}[other] == 1
    other.hidden_act = "relu"
    assert other != config
    assert config.hidden_act == "gelu_new"


def test_equality():
    assert small() == small()
    assert small() != small(vocab_size=102)
    assert small() != small(extra=1)
    assert small() != small(num_labels=3)
    assert small() != small(attn_implementation="eager")
    assert small() != small().to_dict()


def test_repr_is_the_json():
    text = repr(small(num_labels=3))
    start, _, rest = text.partition(" ")
    assert start == "AlbertConfig"
    assert json.loads(rest) == small(num_labels=3).to_dict()
    assert not text.endswith("\n")


# Groups


@pytest.mark.parametrize(
    ("layers", "groups", "expected"),
    [
        (1, 1, (0,)),
        (12, 1, (0,) * 12),
        (4, 2, (0, 0, 1, 1)),
        (3, 2, (0, 0, 1)),
        (5, 3, (0, 0, 1, 1, 2)),
        (7, 7, (0, 1, 2, 3, 4, 5, 6)),
        # 15 / 22 * 22 is 14.999999999999998 in floating point: group 14 comes twice
        # and group 15 is never used, as in Google's original.
        (22, 22, (*range(15), 14, *range(16, 22))),
    ],
)
def test_layer_groups(layers, groups, expected):
    config = small(num_hidden_layers=layers, num_hidden_groups=groups)
    assert config.layer_groups == expected


@pytest.mark.parametrize("layers", [6, 12, 22, 24, 44, 49])
def test_layer_groups_are_googles_formula(layers):
    for groups in range(1, layers + 1):
        config = small(num_hidden_layers=layers, num_hidden_groups=groups)
        expected = [int(layer / layers * groups) for layer in range(layers)]
        assert list(config.layer_groups) == expected


def test_layer_groups_differ_from_whole_number_division_somewhere():
    config = small(num_hidden_layers=22, num_hidden_groups=22)
    assert config.layer_groups[15] == 14 != 15 * 22 // 22


# Presets (the table itself: test_presets.py)


def test_preset():
    config = AlbertConfig.preset("albert-base-v2")
    hub = {name: v for name, v in HUB_JSON.items() if name in TRANSFORMERS_DEFAULTS}
    assert {name: getattr(config, name) for name in hub} == hub


def test_preset_with_overrides():
    config = AlbertConfig.preset(
        "albert-base-v1", num_labels=5, hidden_dropout_prob=0.3
    )
    assert config.num_labels == 5
    assert config.hidden_dropout_prob == 0.3
    assert config.attention_probs_dropout_prob == 0.1


def test_unknown_preset():
    with pytest.raises(ValueError) as caught:
        AlbertConfig.preset("albert-tiny")
    assert str(caught.value) == (
        "preset must be one of albert-base-v1, albert-large-v1, albert-xlarge-v1, "
        "albert-xxlarge-v1, albert-base-v2, albert-large-v2, albert-xlarge-v2, "
        "albert-xxlarge-v2, albert-base-zh, albert-large-zh, albert-xlarge-zh, "
        "albert-xxlarge-zh, but is 'albert-tiny'."
    )


# Files that nobody vouches for.


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"hidden_act": ["gelu"]},
            f"hidden_act must be one of {ACTIVATIONS}, but is ['gelu'].",
        ),
        ({"id2label": 5}, "id2label must be a mapping, but is 5."),
        ({"label2id": ["a"]}, "label2id must be a mapping, but is ['a']."),
        (
            {"id2label": {"0": {"a": 1}}},
            "id2label must map numbers and names, but has {'a': 1}.",
        ),
        (
            {"label2id": {"a": float("inf")}},
            "label2id must map numbers and names, but has inf.",
        ),
        (
            {"id2label": {"x": "a"}},
            "id2label and label2id must number the labels, but have 'x'.",
        ),
        (
            {"num_labels": 2**31},
            "num_labels must be at most 1000000, but is 2147483648.",
        ),
    ],
)
def test_value_of_a_type_that_breaks_things(values, message):
    with pytest.raises(ValueError) as caught:
        AlbertConfig.from_dict({"model_type": "albert", **values})
    assert str(caught.value) == message
