"""From a name to an open checkpoint: which file, whose names, and what is refused."""

import gc
import io
import json
import logging
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from albert.common import names, opening
from albert.common.checkpoint import forms
from albert.common.config import AlbertConfig
from albert.common.loading import load_arrays
from albert.common.opening import open_checkpoint
from albert.common.saving import save_arrays
from albert.common.strangers import refuse_strangers
from conformance.cases import SIZES, random_weights

FIXTURES = Path(__file__).parents[2] / "conformance" / "fixtures"
CONFIG = AlbertConfig(**SIZES)
GROUPS = CONFIG.replace(num_hidden_layers=4, num_hidden_groups=2, inner_group_num=2)
SQUARE = CONFIG.replace(embedding_size=24)
PRE_TRAINING = "AlbertForPreTraining"
CLASSIFIER = "AlbertForSequenceClassification"
MAPPING = "albert.encoder.embedding_hidden_mapping_in"
WORDS = "albert.embeddings.word_embeddings.weight"
TYPES = "albert.embeddings.token_type_embeddings.weight"
POSITIONS = "albert.embeddings.position_embeddings.weight"
SLOTS = ("adam_m", "adam_v", "lamb_m", "lamb_v")

# By hand, from the variables of Google's published checkpoints.
BACKBONE = {
    "bert/embeddings/word_embeddings": WORDS,
    "bert/embeddings/token_type_embeddings": TYPES,
    "bert/embeddings/position_embeddings": POSITIONS,
    "bert/embeddings/LayerNorm/gamma": "albert.embeddings.LayerNorm.weight",
    "bert/embeddings/LayerNorm/beta": "albert.embeddings.LayerNorm.bias",
    "bert/encoder/embedding_hidden_mapping_in/kernel": f"{MAPPING}.weight",
    "bert/encoder/embedding_hidden_mapping_in/bias": f"{MAPPING}.bias",
}
BLOCK = {
    "attention_1/self/query/kernel": "attention.query.weight",
    "attention_1/self/query/bias": "attention.query.bias",
    "attention_1/self/key/kernel": "attention.key.weight",
    "attention_1/self/key/bias": "attention.key.bias",
    "attention_1/self/value/kernel": "attention.value.weight",
    "attention_1/self/value/bias": "attention.value.bias",
    "attention_1/output/dense/kernel": "attention.dense.weight",
    "attention_1/output/dense/bias": "attention.dense.bias",
    "LayerNorm/gamma": "attention.LayerNorm.weight",
    "LayerNorm/beta": "attention.LayerNorm.bias",
    "ffn_1/intermediate/dense/kernel": "ffn.weight",
    "ffn_1/intermediate/dense/bias": "ffn.bias",
    "ffn_1/intermediate/output/dense/kernel": "ffn_output.weight",
    "ffn_1/intermediate/output/dense/bias": "ffn_output.bias",
    "LayerNorm_1/gamma": "full_layer_layer_norm.weight",
    "LayerNorm_1/beta": "full_layer_layer_norm.bias",
}
POOLER = {
    "bert/pooler/dense/kernel": "albert.pooler.weight",
    "bert/pooler/dense/bias": "albert.pooler.bias",
}
PRE_TRAINING_HEADS = {
    **POOLER,
    "cls/predictions/transform/dense/kernel": "predictions.dense.weight",
    "cls/predictions/transform/dense/bias": "predictions.dense.bias",
    "cls/predictions/transform/LayerNorm/gamma": "predictions.LayerNorm.weight",
    "cls/predictions/transform/LayerNorm/beta": "predictions.LayerNorm.bias",
    "cls/predictions/output_bias": "predictions.bias",
    "cls/seq_relationship/output_weights": "sop_classifier.classifier.weight",
    "cls/seq_relationship/output_bias": "sop_classifier.classifier.bias",
}
CLASSIFIER_HEAD = {
    **POOLER,
    "output_weights": "classifier.weight",
    "output_bias": "classifier.bias",
}
SQUAD1_HEAD = {
    "cls/squad/output_weights": "qa_outputs.weight",
    "cls/squad/output_bias": "qa_outputs.bias",
}
SQUAD2_HEAD = {
    "start_logits/dense/kernel": (24, 1),
    "start_logits/dense/bias": (1,),
    "end_logits/dense_0/kernel": (48, 24),
    "end_logits/dense_0/bias": (24,),
    "end_logits/LayerNorm/beta": (24,),
    "end_logits/LayerNorm/gamma": (24,),
    "end_logits/dense_1/kernel": (24, 1),
    "end_logits/dense_1/bias": (1,),
    "answer_class/dense_0/kernel": (48, 24),
    "answer_class/dense_0/bias": (24,),
    "answer_class/dense_1/kernel": (24, 1),
}


def google_names(config, heads):
    """Give Google's names of a model and the canonical ones."""
    found = {**BACKBONE, **heads}
    for group in range(config.num_hidden_groups):
        for inner in range(config.inner_group_num):
            scope = f"bert/encoder/transformer/group_{group}/inner_group_{inner}"
            block = f"albert.encoder.albert_layer_groups.{group}.albert_layers.{inner}"
            for name, ours in BLOCK.items():
                found[f"{scope}/{name}"] = f"{block}.{ours}"
    if config.embedding_size == config.hidden_size:
        found = {
            name: ours for name, ours in found.items() if not ours.startswith(MAPPING)
        }
    return found


def google_variables(config, class_name, heads):
    """Give a model's weights as Google's programs hold them, with their slots."""
    weights = random_weights(config, class_name, seed=8)
    variables = {"global_step": np.int64(125000)}
    for name, ours in google_names(config, heads).items():
        array = weights[ours]
        variables[name] = array.T if name.endswith("/kernel") else array
        for slot in SLOTS:
            variables[f"{name}/{slot}"] = np.full_like(variables[name], 9)
    return variables


def write_google(folder, config, variables, name="model.ckpt-best"):
    """Write what Google's programs leave, with TensorFlow's own writer."""
    import tensorflow as tf

    folder.mkdir(exist_ok=True)
    tf.raw_ops.SaveV2(
        prefix=str(folder / name),
        tensor_names=list(variables),
        shape_and_slices=[""] * len(variables),
        tensors=[tf.constant(array) for array in variables.values()],
    )
    fields = {field: getattr(config, field) for field in SIZES if field != "num_labels"}
    groups = ("num_hidden_groups", "inner_group_num")
    fields |= {field: getattr(config, field) for field in groups}
    fields |= {"hidden_act": "gelu", "net_structure_type": 0, "gap_size": 0}
    (folder / "albert_config.json").write_text(json.dumps(fields))


GOOGLE = {
    "one group": (CONFIG, PRE_TRAINING, PRE_TRAINING_HEADS),
    "groups": (GROUPS, PRE_TRAINING, PRE_TRAINING_HEADS),
    "square": (SQUARE, PRE_TRAINING, PRE_TRAINING_HEADS),
    "classifier": (CONFIG.replace(num_labels=3), CLASSIFIER, CLASSIFIER_HEAD),
    "race": (CONFIG.replace(num_labels=1), "AlbertForMultipleChoice", CLASSIFIER_HEAD),
    "squad1": (CONFIG, "AlbertForQuestionAnswering", SQUAD1_HEAD),
}


@pytest.fixture(scope="module")
def google(tmp_path_factory):
    """A folder with the checkpoints of `GOOGLE` and a SQuAD v2 one."""
    folder = tmp_path_factory.mktemp("google")
    for name, (config, class_name, heads) in GOOGLE.items():
        variables = google_variables(config, class_name, heads)
        write_google(folder / name, config, variables)
    variables = google_variables(CONFIG, "AlbertModel", POOLER)
    for name, shape in SQUAD2_HEAD.items():
        variables[name] = variables[f"{name}/adam_m"] = np.ones(shape, np.float32)
    write_google(folder / "squad2", CONFIG, variables)
    return folder


def read(path, config=None, **overrides):
    """Give all weights of a checkpoint."""
    arrays = open_checkpoint(path, config, **overrides).arrays
    return {name: array.read() for name, array in arrays.items()}


def load(path, class_name, **overrides):
    """Give the weights of a class and the report."""
    checkpoint = open_checkpoint(path, **overrides)
    rows = names.weights(checkpoint.config, class_name)
    found, report = load_arrays(checkpoint, checkpoint.config, rows)
    return {name: array.read() for name, array in found.items()}, report


def assert_equal(found, right):
    assert found.keys() == right.keys()
    for name, array in right.items():
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def failure(kind, call, *arguments, **options):
    with pytest.raises(kind) as caught:
        call(*arguments, **options)
    return str(caught.value)


# Google's own checkpoints


@pytest.mark.parametrize("name", GOOGLE)
def test_google(google, name):
    config, class_name, _ = GOOGLE[name]
    checkpoint = open_checkpoint(google / name)
    right = random_weights(config, class_name, seed=8)
    if name == "square":
        right[f"{MAPPING}.weight"] = np.eye(24, dtype=np.float32)
        right[f"{MAPPING}.bias"] = np.zeros(24, np.float32)
    assert_equal(read(google / name), right)
    assert checkpoint.dialect == "google"
    assert checkpoint.file == google / name / "model.ckpt-best.index"
    assert checkpoint.unexpected == ()
    assert len(checkpoint.ignored) == 1 + len(SLOTS) * len(
        google_names(config, GOOGLE[name][2])
    )
    found, report = load(google / name, class_name)
    assert_equal(found, right)
    assert str(report) == ""
    assert report.unused == ()


def test_a_mapping_that_is_there_is_taken_though_square(tmp_path):
    weights = random_weights(SQUARE, "AlbertModel", seed=8)
    stored = {
        name: weights[ours].T if name.endswith("/kernel") else weights[ours]
        for name, ours in google_names(CONFIG, POOLER).items()
    }
    write_google(tmp_path, SQUARE, stored)
    assert_equal(read(tmp_path), weights)


def test_order_head_is_stored_as_it_is_used(google):
    reader = forms.open_weights(google / "one group" / "model.ckpt-best.index")
    name = "cls/seq_relationship/output_weights"
    assert reader[name].shape == (2, 24)
    right = random_weights(CONFIG, PRE_TRAINING, seed=8)
    np.testing.assert_array_equal(
        read(google / "one group")["sop_classifier.classifier.weight"],
        right["sop_classifier.classifier.weight"],
    )


def test_gelu_of_google_is_the_tanh_form(google):
    config = open_checkpoint(google / "groups").config
    assert config.hidden_act == "gelu_new"
    assert (config.num_hidden_layers, config.num_hidden_groups) == (4, 2)
    assert config.inner_group_num == 2


@pytest.mark.parametrize("place", ["", "model.ckpt-best", "model.ckpt-best.index"])
@pytest.mark.parametrize("kind", [str, Path])
def test_ways_to_name_it(google, place, kind):
    folder = google / "one group"
    found = open_checkpoint(kind(folder / place))
    assert found.file == folder / "model.ckpt-best.index"
    assert_equal(read(kind(folder / place)), read(folder))


@pytest.mark.parametrize(("name", "labels"), [("classifier", 3), ("race", 1)])
def test_number_of_labels_is_the_files(google, name, labels):
    assert open_checkpoint(google / name).config.num_labels == labels
    given = CONFIG.replace(num_labels=7)
    assert open_checkpoint(google / name, given).config.num_labels == 7
    assert open_checkpoint(google / name, num_labels=4).config.num_labels == 4
    texts = {0: "no", 1: "yes", 2: "perhaps", 3: "never"}
    config = open_checkpoint(google / name, id2label=texts).config
    assert config.id2label == texts
    assert open_checkpoint(google / "squad1").config.num_labels == 2


def test_given_number_of_labels_that_does_not_fit(google):
    text = failure(ValueError, load, google / "classifier", CLASSIFIER, num_labels=4)
    assert "mis-shaped: classifier.weight is [3, 24], the model needs [4, 24]" in text


def test_head_of_squad_2_is_left_out_and_said(google):
    folder = google / "squad2"
    assert set(open_checkpoint(folder).unexpected) == set(SQUAD2_HEAD)
    with pytest.warns(UserWarning, match="no weights for qa_outputs") as caught:
        found, report = load(folder, "AlbertForQuestionAnswering")
    assert set(report.unexpected) == set(SQUAD2_HEAD)
    assert report.missing == ("qa_outputs.weight", "qa_outputs.bias")
    (text,) = [str(warning.message) for warning in caught]
    for name in SQUAD2_HEAD:
        assert f"\n  unexpected: {name}" in text
    right = random_weights(CONFIG, "AlbertForQuestionAnswering", seed=8)
    del right["qa_outputs.weight"], right["qa_outputs.bias"]
    assert_equal(found, right)


def copy_as(source, folder, name):
    """Copy a checkpoint of Google's under another name."""
    folder.mkdir(exist_ok=True)
    for path in (source / "albert_config.json", *source.glob("model.ckpt-best.*")):
        new = path.name.replace("model.ckpt-best", name)
        shutil.copy(path, folder / new)
    return folder


def test_several_checkpoints_of_training_are_not_chosen_among(google, tmp_path):
    for step in (1000, 25000):
        copy_as(google / "one group", tmp_path, f"model.ckpt-{step}")
    assert failure(ValueError, open_checkpoint, tmp_path) == (
        "the folder holds several checkpoints, model.ckpt-1000.index, "
        "model.ckpt-25000.index: give the path of one of them."
    )
    chosen = open_checkpoint(tmp_path / "model.ckpt-1000")
    assert chosen.file.name == "model.ckpt-1000.index"
    for path in tmp_path.glob("model.ckpt-25000*"):
        path.unlink()
    assert open_checkpoint(tmp_path).file.name == "model.ckpt-1000.index"


def test_best_comes_before_last_and_before_numbered(google, tmp_path):
    copy_as(google / "one group", tmp_path, "model.ckpt-best")
    copy_as(google / "squad1", tmp_path, "model.ckpt")
    copy_as(google / "race", tmp_path, "model.ckpt-7")
    copy_as(google / "race", tmp_path, "model.ckpt-8")
    assert_equal(read(tmp_path), read(google / "one group"))
    for path in tmp_path.glob("model.ckpt-best*"):
        path.unlink()
    assert_equal(read(tmp_path), read(google / "squad1"))


@pytest.mark.parametrize("name", ["model.ckpt-best", "model.ckpt-9"])
def test_note_of_the_last_checkpoint_is_not_followed(google, tmp_path, name):
    elsewhere = google / "squad1" / "model.ckpt-best"
    copy_as(google / "one group", tmp_path, name)
    keys = ("model_checkpoint_path", "all_model_checkpoint_paths")
    note = "".join(f'{key}: "{elsewhere}"\n' for key in keys)
    (tmp_path / "checkpoint").write_text(note)
    assert open_checkpoint(tmp_path).file == tmp_path / f"{name}.index"
    assert_equal(read(tmp_path), read(google / "one group"))
    for path in tmp_path.glob("model.ckpt*"):
        path.unlink()
    text = failure(FileNotFoundError, open_checkpoint, tmp_path)
    assert text.startswith(f"{str(tmp_path)!r} holds no weights in a form that is kno")
    text = failure(ValueError, open_checkpoint, tmp_path / "checkpoint")
    assert text.startswith(f"{str(tmp_path / 'checkpoint')!r} is no weight file of a")


def test_from_the_hub(google, tmp_path, hub):
    folder = copy_as(google / "one group", tmp_path / "new", "model.ckpt-best")
    copy_as(google / "squad1", folder, "model.ckpt")
    (folder / "checkpoint").write_text("model_checkpoint_path: 'elsewhere'")
    (folder / "model.ckpt-best.meta").write_bytes(b"")
    hub.add("owner/name", {path.name: path.read_bytes() for path in folder.iterdir()})
    assert_equal(read("owner/name"), read(google / "one group"))
    assert hub.downloads == [
        "albert_config.json",
        "model.ckpt-best.data-00000-of-00001",
        "model.ckpt-best.index",
    ]


# Which file of a folder

FILES = {
    "safetensors": "model.safetensors",
    "pt": "pytorch_model.bin",
    "tf": "tf_model.h5",
    "flax": "flax_model.msgpack",
}


def save(folder, form="safetensors", seed=0, class_name=PRE_TRAINING, **options):
    weights = random_weights(GROUPS, class_name, seed)
    save_arrays(folder, GROUPS, weights, class_name, format=form, **options)
    return weights


def test_preference(tmp_path, caplog):
    saved = {}
    for seed, form in enumerate(reversed(FILES)):
        saved[form] = save(tmp_path, form, seed)
    left = list(FILES.values())
    for form, name in FILES.items():
        path = tmp_path / name
        caplog.clear()
        with caplog.at_level(logging.INFO, "albert"):
            found, report = load(tmp_path, PRE_TRAINING)
        assert_equal(found, saved[form])
        assert report.weights_file == str(path)
        left.remove(name)
        assert caplog.record_tuples == [
            (
                "albert",
                logging.WARNING,
                f"Read {path}; {', '.join(left)} in the same folder was not read.",
            )
            if left
            else ("albert", logging.INFO, f"Read {path}.")
        ]
        path.unlink()


@pytest.mark.parametrize("form", FILES)
def test_sharded_is_as_good_as_whole(tmp_path, form):
    later = list(FILES)[list(FILES).index(form) + 1 :]
    for other in reversed(later):
        save(tmp_path, other, seed=1)
    weights = save(tmp_path, form, seed=2, max_shard_size="20KB")
    index = tmp_path / f"{FILES[form]}.index.json"
    assert open_checkpoint(tmp_path).file == index
    assert_equal(read(tmp_path), weights)
    assert_equal(read(index), weights)
    lost = next(tmp_path.glob("*-00002-of-*"))
    lost.unlink()
    text = failure(FileNotFoundError, open_checkpoint, tmp_path)
    assert text == f"{str(tmp_path)!r} holds no {lost.name!r}."
    text = failure(FileNotFoundError, open_checkpoint, index)
    assert text.startswith(f"{str(lost)!r} is missing, one of the files that")


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("safetensors", "mine.safetensors"),
        ("pt", "mine.bin"),
        ("pt", "mine.pt"),
        ("pt", "mine.v2.pth"),
        ("tf", "mine.h5"),
        ("flax", "mine.msgpack"),
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_weight_file_by_its_path(tmp_path, form, name, kind):
    other = save(tmp_path, "safetensors", seed=1)
    weights = save(tmp_path / "new", form, seed=2)
    (tmp_path / "new" / FILES[form]).rename(tmp_path / name)
    checkpoint = open_checkpoint(kind(tmp_path / name))
    assert checkpoint.file == tmp_path / name
    assert checkpoint.config == AlbertConfig.from_pretrained(tmp_path)
    assert_equal(read(kind(tmp_path / name)), weights)
    assert_equal(read(tmp_path), other)


def test_home_is_expanded(tmp_path, monkeypatch):
    weights = save(tmp_path / "new")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert_equal(read("~/new/model.safetensors"), weights)


@pytest.mark.parametrize("name", ["model.ot", "model", "config.json", "model.txt"])
def test_file_of_an_unknown_kind(tmp_path, name):
    save(tmp_path)
    path = tmp_path / name
    if not path.exists():
        (tmp_path / "model.safetensors").rename(path)
    assert failure(ValueError, open_checkpoint, path) == (
        f"{str(path)!r} is no weight file of a form that is known: .safetensors, "
        f".bin, .pt, .pth, .h5, .msgpack, .keras, .index."
    )


def test_a_suffix_does_not_make_a_form(tmp_path):
    save(tmp_path)
    path = tmp_path / "pytorch_model.bin"
    (tmp_path / "model.safetensors").rename(path)
    assert str(path) in failure(ValueError, open_checkpoint, tmp_path)


def test_folder_with_nothing(tmp_path):
    text = failure(FileNotFoundError, open_checkpoint, tmp_path)
    assert text.startswith(f"{str(tmp_path)!r} holds no weights in a form that is kno")


def test_no_such_file(tmp_path):
    path = tmp_path / "model.safetensors"
    text = failure(FileNotFoundError, open_checkpoint, path)
    assert text.startswith(f"{str(path)!r} is no folder on this machine; give the path")


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("whole", ["a folder", "a file"])
def test_no_configuration(tmp_path, form, whole):
    weights = save(tmp_path, form)
    (tmp_path / "config.json").unlink()
    path = tmp_path if whole == "a folder" else tmp_path / FILES[form]
    assert failure(FileNotFoundError, open_checkpoint, path) == (
        f"{str(tmp_path)!r} holds neither config.json nor albert_config.json. Put the "
        f"file beside the weights, or pass config=, such as "
        f"AlbertConfig.preset('albert-base-v2')."
    )
    assert_equal(read(path, GROUPS), weights)
    assert open_checkpoint(path, GROUPS).config is GROUPS
    changed = open_checkpoint(path, GROUPS, num_labels=4).config
    assert changed == GROUPS.replace(num_labels=4)


def test_given_configuration_comes_before_the_folders(tmp_path):
    save(tmp_path)
    given = GROUPS.replace(hidden_act="relu")
    assert open_checkpoint(tmp_path, given).config is given


# Other models

STRANGERS = {
    "BERT or a model built like it": (
        "its layers do not share weights",
        [
            "bert/encoder/layer_0/attention/self/query/kernel",
            "bert.encoder.layer.0.attention.self.query.weight",
            "encoder.layer.11.output.dense.bias",
            "transformer/layer_0/self_attention/query/kernel",
            "bert/tf_bert_model/bert/encoder/layer_._0/attention/self/query/kernel:0",
            "bert/encoder/layer/0/attention/self/query/kernel",
        ],
    ),
    "DistilBERT": (
        "its layers do not share weights",
        [
            "distilbert.transformer.layer.0.attention.q_lin.weight",
            "transformer.layer.0.attention.q_lin.weight",
            "distilbert/transformer/layer_._0/attention/q_lin/kernel:0",
            "distilbert/transformer/layer/0/attention/q_lin/kernel",
        ],
    ),
    "ELECTRA": (
        "its layers do not share weights, and its head tells replaced words",
        [
            "electra/encoder/layer_0/attention/self/query/kernel",
            "electra.encoder.layer.0.attention.self.query.weight",
            "discriminator_predictions/dense/kernel",
            "generator_predictions.LayerNorm.weight",
        ],
    ),
    "RoBERTa": (
        "its layers do not share weights",
        [
            "roberta.encoder.layer.0.attention.self.query.weight",
            "roberta/encoder/layer_._0/attention/self/query/kernel:0",
            "roberta.embeddings.word_embeddings.weight",
        ],
    ),
    "brightmart's albert_zh (scope layer_shared)": (
        "its embeddings and its masked-LM head are built in another way",
        [
            "bert/embeddings/word_embeddings_2",
            "bert/encoder/layer_shared/attention/output/LayerNorm/beta",
            "bert/encoder/layer_shared/attention/self/query/kernel",
            "bert/encoder/layer_shared/intermediate/dense/kernel",
            "bert/encoder/layer_shared/output/dense/kernel",
        ],
    ),
}
# What they have in common with ALBERT.
SHARED = (
    "bert/embeddings/word_embeddings",
    "bert/embeddings/LayerNorm/beta",
    "bert/pooler/dense/kernel",
    "cls/predictions/output_bias",
    "cls/seq_relationship/output_weights",
    "embeddings.word_embeddings.weight",
    "pooler.dense.weight",
    "global_step",
)


@pytest.mark.parametrize(
    ("model", "reason", "name"),
    [(model, why, name) for model, (why, all_) in STRANGERS.items() for name in all_],
)
def test_stranger(tmp_path, model, reason, name):
    CONFIG.save_pretrained(tmp_path)
    stored = {key: np.zeros(2, np.float32) for key in (*SHARED, name)}
    save_file(stored, tmp_path / "model.safetensors")
    path = str(tmp_path / "model.safetensors")
    text = (
        f"{path!r} is a checkpoint of {model}, which cannot be loaded as ALBERT: "
        f"{reason} ({name})."
    )
    assert failure(ValueError, open_checkpoint, tmp_path) == text
    assert failure(ValueError, open_checkpoint, tmp_path, GROUPS) == text
    (tmp_path / "config.json").unlink()
    assert failure(ValueError, open_checkpoint, tmp_path) == text


def test_stranger_in_a_tensorflow_checkpoint(tmp_path):
    names_ = (*SHARED, "bert/encoder/layer_0/attention/self/query/kernel")
    variables = {name: np.zeros(3, np.float32) for name in names_}
    write_google(tmp_path, CONFIG, variables, "bert_model.ckpt")
    text = failure(ValueError, open_checkpoint, tmp_path)
    assert "bert_model.ckpt.index' is a checkpoint of BERT or a model built " in text


def test_nothing_of_albert(tmp_path):
    CONFIG.save_pretrained(tmp_path)
    stored = {f"conv.{n}.weight": np.zeros(2, np.float32) for n in range(5)}
    save_file(stored, tmp_path / "model.safetensors")
    path = str(tmp_path / "model.safetensors")
    assert failure(ValueError, open_checkpoint, tmp_path) == (
        f"{path!r} holds no weights of an ALBERT, but conv.0.weight, conv.1.weight, "
        f"conv.2.weight and 2 more."
    )


@pytest.mark.parametrize("kind", ["bert", "distilbert", "electra", "roberta"])
def test_configuration_of_another_model(tmp_path, kind):
    save(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    assert failure(ValueError, open_checkpoint, tmp_path) == (
        f"model_type must be 'albert', but this is the configuration of a {kind!r} "
        f"model, which this package cannot hold."
    )


REAL = [
    path.parent.relative_to(FIXTURES).as_posix()
    for path in sorted(FIXTURES.glob("*/*/golden.npz"))
]


@pytest.mark.parametrize("name", REAL)
def test_real_albert_is_never_refused(name):
    checkpoint = open_checkpoint(FIXTURES / name)
    refuse_strangers(forms.open_weights(checkpoint.file), "it")
    assert checkpoint.unexpected == ()


def test_there_are_real_ones():
    assert len(REAL) > 40


# One weight, several names


def test_the_bias_that_tensorflow_adds():
    folder = FIXTURES / "transformers-4.57.6-tf" / "h5-two-biases"
    scope = "predictions/tf_albert_for_masked_lm_2/predictions"
    with h5py.File(folder / "tf_model.h5") as file:
        added = file[f"{scope}/decoder/bias:0"][:]
        unused = file[f"{scope}/bias:0"][:]
    assert not np.array_equal(added, unused)
    found, report = load(folder, "AlbertForMaskedLM")
    np.testing.assert_array_equal(found["predictions.bias"], added)
    assert str(report) == ""


def change(folder, name):
    """Add one to the last element of one dataset of `tf_model.h5`."""
    # What was opened before holds the file until it is collected.
    gc.collect()
    with h5py.File(folder / "tf_model.h5", "r+") as file:
        array = file[name][...]
        array.flat[-1] += 1
        file[name][...] = array


def test_copies_of_the_embeddings_must_agree(tmp_path):
    weights = save(tmp_path, "tf")
    model = "tf_albert_for_pre_training/albert/embeddings"
    copy, first = (
        f"{layer}/{model}/word_embeddings/weight:0"
        for layer in ("predictions", "albert")
    )
    assert_equal(load(tmp_path, PRE_TRAINING)[0], weights)
    change(tmp_path, copy)
    path = str(tmp_path / "tf_model.h5")
    text = failure(ValueError, load, tmp_path, PRE_TRAINING)
    assert text in [
        f"{one} and {other} are one weight in ALBERT, but {path!r} holds two different "
        f"ones."
        for one, other in ((copy, first), (first, copy))
    ]
    # Both in the same way: one weight again.
    change(tmp_path, first)
    weights[WORDS].flat[-1] += 1
    assert_equal(load(tmp_path, PRE_TRAINING)[0], weights)


def test_copies_that_differ_do_not_matter_to_who_needs_them_not(tmp_path):
    weights = random_weights(GROUPS, PRE_TRAINING, 0)
    GROUPS.save_pretrained(tmp_path)
    copy = {"predictions.decoder.bias": weights["predictions.bias"] + 1}
    save_file({**weights, **copy}, tmp_path / "model.safetensors")
    assert "are one weight in ALBERT" in failure(
        ValueError, load, tmp_path, "AlbertForMaskedLM"
    )
    found, _ = load(tmp_path, "AlbertModel")
    right = {name: a for name, a in weights.items() if name.startswith("albert.")}
    assert_equal(found, right)


def test_names_above_are_the_published_ones():
    """Where the list of the published checkpoints' variables is at hand."""
    path = FIXTURES.parents[2] / "shared" / "google" / "real_variable_names.json"
    if not path.exists():
        pytest.skip("the list is not here")
    published = {
        model: {variable["name"] for variable in value["variables"]}
        for model, value in json.loads(path.read_text()).items()
    }
    right = {*google_names(CONFIG, PRE_TRAINING_HEADS), "global_step"}
    assert published["google_albert_base_zh"] == right
    _, brightmart = STRANGERS["brightmart's albert_zh (scope layer_shared)"]
    assert published["brightmart_albert_tiny_zh"] >= set(brightmart)


@pytest.mark.parametrize("field", ["num_hidden_groups", "inner_group_num"])
def test_blocks_that_no_file_could_hold(tmp_path, field):
    arrays = random_weights(CONFIG, "AlbertModel", 0)
    save_arrays(tmp_path, CONFIG, arrays, "AlbertModel")
    values = {**CONFIG.to_dict(), field: 2**31, "num_hidden_layers": 2**31}
    (tmp_path / "config.json").write_text(json.dumps(values))
    groups, inner = values["num_hidden_groups"], values["inner_group_num"]
    with pytest.raises(ValueError) as caught:
        open_checkpoint(tmp_path)
    assert str(caught.value) == (
        f"{str(tmp_path / 'model.safetensors')!r} cannot hold 2147483648 blocks "
        f"(num_hidden_groups={groups}, inner_group_num={inner}) in its 25 arrays."
    )


@pytest.mark.parametrize("config", [5, "text", None, [], {}, {"config": 5}])
def test_archive_of_keras_with_another_configuration(tmp_path, config):
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file["layers/dense/vars/0"] = np.ones(3, "float32")
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"config": config}))
        archive.writestr("model.weights.h5", weights.getvalue())
    with pytest.raises(ValueError) as caught:
        open_checkpoint(tmp_path)
    assert str(caught.value) == (
        f"{str(tmp_path / 'model.keras')!r} is not of a model of this package."
    )


def test_arguments_that_are_none(tmp_path):
    for name in ("", None, 3):
        with pytest.raises(ValueError, match="pretrained_model_name_or_path must be"):
            open_checkpoint(name)
    with pytest.raises(TypeError, match="must be an AlbertConfig, but is a dict"):
        open_checkpoint("albert-demo", config={"a": 1})


def test_saver_between_listing_and_opening(tmp_path, monkeypatch):
    config = AlbertConfig(**SIZES)
    arrays = random_weights(config, "AlbertModel", 3)
    save_arrays(tmp_path, config, arrays, "AlbertModel")
    real, calls = opening._fetch, []

    def fetch(files, given):
        path = real(files, given)
        if not calls:
            save_arrays(tmp_path, config, arrays, "AlbertModel", max_shard_size="9KB")
        calls.append(path.name)
        return path

    monkeypatch.setattr(opening, "_fetch", fetch)
    assert open_checkpoint(tmp_path).arrays.keys() == arrays.keys()
    assert calls == ["model.safetensors", "model.safetensors.index.json"]
