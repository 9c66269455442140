"""The published ALBERT configurations, every value with its source.

Eight English models, `albert-{base,large,xlarge,xxlarge}-{v1,v2}`, and Google's four
Chinese ones, `albert-{base,large,xlarge,xxlarge}-zh`. Google's archives are called
`albert_base_zh` and so on; the hyphens here follow the hub's English names. The
Chinese models of other authors (brightmart, UER, ...) are not in this table.

`PRESETS[name]` holds the keyword arguments of `AlbertConfig` and `SOURCES[name][field]`
says where one of them comes from. The first word of a source is its standing:

    read       stands in the document named, which was read as a stored copy
    inferred   no document of this model says so; the reason is given
    disputed   documents contradict each other; both sides are given

Threads are cited as GA (google-research/albert) and HF (huggingface/transformers).
"""

from __future__ import annotations

Value = int | float | str

_SIZES: dict[str, dict[str, Value]] = {
    size: {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": intermediate,
    }
    for size, hidden, layers, heads, intermediate in (
        ("base", 768, 12, 12, 3072),
        ("large", 1024, 24, 16, 4096),
        ("xlarge", 2048, 24, 16, 8192),
        ("xxlarge", 4096, 12, 64, 16384),
    )
}

_COMMON: dict[str, Value] = {
    "embedding_size": 128,
    "num_hidden_groups": 1,
    "inner_group_num": 1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
    "classifier_dropout_prob": 0.1,
    "pad_token_id": 0,
}

_ENGLISH: dict[str, Value] = {
    "vocab_size": 30000,
    "hidden_act": "gelu_new",
    "bos_token_id": 2,
    "eos_token_id": 3,
}
_CHINESE: dict[str, Value] = {
    "vocab_size": 21128,
    "hidden_act": "relu",
    "bos_token_id": 101,
    "eos_token_id": 102,
}
_DROPOUT: dict[str, Value] = {
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
}
_NO_DROPOUT: dict[str, Value] = dict.fromkeys(_DROPOUT, 0.0)

_EDITIONS: dict[str, dict[str, Value]] = {
    "v1": _ENGLISH | _DROPOUT,
    "v2": _ENGLISH | _NO_DROPOUT,
    "zh": _CHINESE | _NO_DROPOUT,
}

_EXCEPTIONS: dict[str, dict[str, Value]] = {
    "albert-xxlarge-v1": _NO_DROPOUT,
    "albert-xlarge-zh": {"initializer_range": 0.014},
    "albert-xxlarge-zh": {"initializer_range": 0.01, "num_attention_heads": 16},
}

# What was read for a model: the source of each of its fields not in _NOTES.
_DOCUMENTS = {
    "albert-base-v1": "read: bert/loader_albert.py of kpe/bert-for-tf2, listing the "
    "TF-Hub albert_*/1 models; model_configs/base of kamalkraj/ALBERT-TF2.0 and "
    "PaddleNLP's albert-base-v1 agree; the hub's own file was not found",
    "albert-large-v1": "read: hub albert/albert-large-v1 config.json at 6d0a829",
    "albert-xlarge-v1": "read: hub albert/albert-xlarge-v1 config.json at cc32f38",
    "albert-xxlarge-v1": "read: hub albert/albert-xxlarge-v1 config.json at 9d721ba",
    "albert-base-v2": "read: hub albert/albert-base-v2 config.json at 6b2e831",
    "albert-large-v2": "read: hub Xenova/albert-large-v2 config.json, a re-export of "
    "the hub's albert-large-v2, whose own file was not found",
    "albert-xlarge-v2": "read: hub albert/albert-xlarge-v2 config.json at cab71fb",
    "albert-xxlarge-v2": "read: hub albert/albert-xxlarge-v2 config.json at 05cb870",
    "albert-base-zh": "read: Google's albert_config.json of albert_base_zh, copied in "
    "jadepeng/ee-test and in Vincent131499/TextClassifier_Transformer",
    "albert-large-zh": "read: hub voidful/albert_chinese_large config.json at ed29f67, "
    "a conversion of Google's albert_large_zh",
    "albert-xlarge-zh": "read: hub voidful/albert_chinese_xlarge config.json at "
    "39c3362, a conversion of Google's albert_xlarge_zh; PaddleNLP's "
    "albert-chinese-xlarge agrees",
    "albert-xxlarge-zh": "read: albert-chinese-xxlarge in PaddleNLP's "
    "transformers/albert/configuration.py and albert_chinese_xxlarge in hub "
    "Tongjilibo/bert4torch_config, which agree; neither Google's file nor its "
    "conversion, hub voidful/albert_chinese_xxlarge, was found",
}

_TANH_GELU = (
    "read: Google's json says 'gelu', which its modeling.py computes by the tanh "
    "formula, here and in transformers called 'gelu_new' (HF#2395); "
)
_V1_GELU = _TANH_GELU + "the hub's v1 files kept 'gelu', the erf form, and differ"
_V2_GELU = _TANH_GELU + "the hub's v2 files say 'gelu_new' too"

_V1_DROPOUT = (
    "read: Google's answer in GA#23 (v1 has no dropout in xxlarge and 0.1 in the "
    "others); the files read for this model agree"
)
_V2_DROPOUT = (
    "read: Google's answer in GA#23 (v2 has no dropout at any size); except for "
    "xxlarge, the TF-Hub page and the hub said 0.1 at first (GA#78, HF#2337); the file "
    "read for this model says 0"
)
_ENGLISH_IDS = (
    "read: PaddleNLP's transformers/albert/configuration.py, which lists all eight "
    "English models; the hub files of large-v1, xlarge-v2 and xxlarge-v2 agree"
)
_CHINESE_IDS = (
    "inferred: the place of {} in vocab.txt of Google's Chinese BERT, also of 21128 "
    "entries; Google's json names no ids, and converted files kept {}, ALBERT's "
    "English default"
)

# Sources of single fields; a later, narrower scope replaces an earlier one.
_NOTES: dict[str, dict[str, str]] = {
    "all": {
        "layer_norm_eps": "read: not in Google's json; constant of TensorFlow 1.15's "
        "contrib layer_norm, which modeling.py calls; the hub's files agree",
        "classifier_dropout_prob": "read: not in Google's json; create_model in "
        "google-research/albert classifier_utils.py keeps 0.9 of the pooled output; "
        "transformers made it a field (HF#2679) with the same value",
    },
    "v1": {
        "hidden_act": _V1_GELU,
        "hidden_dropout_prob": _V1_DROPOUT,
        "attention_probs_dropout_prob": _V1_DROPOUT,
        "pad_token_id": _ENGLISH_IDS,
        "bos_token_id": _ENGLISH_IDS,
        "eos_token_id": _ENGLISH_IDS,
    },
    "v2": {
        "hidden_act": _V2_GELU,
        "hidden_dropout_prob": _V2_DROPOUT,
        "attention_probs_dropout_prob": _V2_DROPOUT,
        "pad_token_id": _ENGLISH_IDS,
        "bos_token_id": _ENGLISH_IDS,
        "eos_token_id": _ENGLISH_IDS,
    },
    "zh": {
        "pad_token_id": _CHINESE_IDS.format("[PAD]", 0),
        "bos_token_id": _CHINESE_IDS.format("[CLS]", 2),
        "eos_token_id": _CHINESE_IDS.format("[SEP]", 3),
    },
    "albert-xlarge-v1": {
        "num_attention_heads": "read: hub albert/albert-xlarge-v1 config.json at "
        "cc32f38; bert/loader_albert.py of kpe/bert-for-tf2 agrees for TF-Hub "
        "albert_xlarge/1; the paper's rule of hidden_size / 64 would give 32",
    },
    "albert-xlarge-v2": {
        "num_attention_heads": "disputed: 16 in the hub's config.json at cab71fb and "
        "on the TF-Hub page (HF#3164); 32 by the paper's rule of hidden_size / 64, in "
        "the albert_config.json inside the archive of TF-Hub albert_xlarge/2 (GA#180, "
        "still open) and in GluonNLP, whose conversion compares its outputs with "
        "TF-Hub albert_xlarge/3; 16 stands here to equal the hub",
    },
    "albert-xxlarge-zh": {
        "num_attention_heads": "read: Google's albert_config.json as quoted in GA#153 "
        "and confirmed there by Google; the English xxlarge models have 64",
        "hidden_act": "read: Google's albert_config.json as quoted in GA#154; Google "
        "there: ReLU in the Chinese models, GELU in the English ones",
    },
}


def _values(size: str, edition: str) -> dict[str, Value]:
    exceptions = _EXCEPTIONS.get(f"albert-{size}-{edition}", {})
    return _COMMON | _SIZES[size] | _EDITIONS[edition] | exceptions


def _sources(size: str, edition: str) -> dict[str, str]:
    name = f"albert-{size}-{edition}"
    document = dict.fromkeys(_values(size, edition), _DOCUMENTS[name])
    return document | _NOTES["all"] | _NOTES[edition] | _NOTES.get(name, {})


_MODELS = {
    f"albert-{size}-{edition}": (size, edition)
    for edition in _EDITIONS
    for size in _SIZES
}

PRESETS: dict[str, dict[str, Value]] = {
    name: _values(*model) for name, model in _MODELS.items()
}
SOURCES: dict[str, dict[str, str]] = {
    name: _sources(*model) for name, model in _MODELS.items()
}
