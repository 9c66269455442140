import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import albert.flax
from albert.common import names
from albert.flax import FlaxAlbertModel
from albert.flax.fast import labelled
from albert.flax.heads import FlaxAlbertMLMHead

CLASSES = tuple(names.PARTS)
TOLERANCE = 2e-5
HALF = {"bfloat16": 0.25, "float16": 0.03}
KEY = jax.random.key(0)


def _assert_close(found, right, tolerance=TOLERANCE):
    assert list(found) == [name for name in type(found).fields if name in right]
    for name in found:
        got, wanted = found[name], right[name]
        many = isinstance(wanted, tuple)
        assert isinstance(got, tuple) == many
        pairs = zip(got, wanted, strict=True) if many else [(got, wanted)]
        for one, other in pairs:
            one = np.asarray(one, np.float32)
            np.testing.assert_allclose(one, other, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("class_name", CLASSES)
def test_equals_the_oracle(load, expect, inputs, class_name):
    model, given = load(class_name), inputs(class_name, labels=True)
    right = expect(class_name, given)
    found = model(**given, output_hidden_states=True, output_attentions=True)
    assert type(found).__name__.startswith("Flax")
    _assert_close(found, right)
    plain = model(**given)
    details = ("hidden_states", "attentions")
    kept = {name: right[name] for name in right if name not in details}
    _assert_close(plain, kept)


@pytest.mark.parametrize("class_name", CLASSES)
def test_gives_a_tuple_if_asked(load, inputs, class_name):
    model, given = load(class_name), inputs(class_name, labels=True)
    output = model(**given, output_attentions=True)
    found = model(**given, output_attentions=True, return_dict=False)
    assert type(found) is tuple
    for one, other in zip(found, output.to_tuple(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_flags_default_to_the_configuration(load, inputs, simple):
    model = load(config=simple)
    model.config.output_attentions = True
    model.config.output_hidden_states = True
    output = model(**inputs())
    assert len(output.attentions) == 3
    assert len(output.hidden_states) == 4
    assert "attentions" not in model(**inputs(), output_attentions=False)
    model.config.return_dict = False
    assert type(model(**inputs())) is tuple


@pytest.mark.parametrize("class_name", CLASSES)
def test_takes_positions_and_vectors(load, expect, inputs, class_name):
    given = inputs(class_name)
    shape = given.pop("input_ids").shape
    random = np.random.default_rng(4)
    given["inputs_embeds"] = random.normal(size=(*shape, 5)).astype(np.float32)
    given["position_ids"] = random.integers(0, 19, shape)
    found = load(class_name)(**given)
    right = expect(class_name, given)
    for name in found:
        np.testing.assert_allclose(found[name], right[name], rtol=0, atol=TOLERANCE)


def test_arguments_stand_in_the_order_of_transformers(load, inputs):
    model, given = load("AlbertForPreTraining"), inputs("AlbertForPreTraining", True)
    found = model(
        given["input_ids"],
        given["attention_mask"],
        given["token_type_ids"],
        None,
        None,
        given["labels"],
        given["sentence_order_label"],
    )
    np.testing.assert_array_equal(found.loss, model(**given).loss)


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray, np.ndarray.tolist])
def test_takes_arrays_and_lists(load, inputs, kind):
    model, given = load("AlbertForMaskedLM"), inputs("AlbertForMaskedLM", True)
    found = model(**{name: kind(array) for name, array in given.items()})
    np.testing.assert_array_equal(found.loss, model(**given).loss)


def test_losses_of_pre_training_are_summed(load, inputs):
    model = load("AlbertForPreTraining")
    given = inputs("AlbertForPreTraining", True)
    order = given.pop("sentence_order_label")
    words = model(**given).loss
    labels = given.pop("labels")
    alone = model(**given, sentence_order_label=order).loss
    both = model(**given, labels=labels, sentence_order_label=order).loss
    np.testing.assert_allclose(both, words + alone, rtol=1e-6)
    assert model(**given).loss is None


def test_one_position_alone_is_refused(load, inputs):
    model = load("AlbertForQuestionAnswering")
    with pytest.raises(ValueError) as raised:
        model(**inputs(), start_positions=np.array([1, 2, 3]))
    assert str(raised.value) == (
        "give start_positions and end_positions together: end_positions is missing."
    )


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("class_name", ["AlbertModel", "AlbertForPreTraining"])
def test_half_precision_is_near_the_oracle(load, expect, inputs, class_name, dtype):
    given = inputs(class_name, labels=True)
    given["attention_mask"][1] = 0
    found = load(class_name, dtype=dtype)(**given)
    right = expect(class_name, given)
    for name in found:
        assert found[name].dtype == ("float32" if name == "loss" else dtype)
        got = np.asarray(found[name], np.float32)
        np.testing.assert_allclose(got, right[name], rtol=0, atol=HALF[dtype])


@pytest.mark.parametrize("dtype", ["float32", *HALF])
def test_a_row_all_hidden_equals_one_not_hidden(load, inputs, simple, dtype):
    model, given = load(config=simple, dtype=dtype, param_dtype=dtype), inputs()
    given["attention_mask"][1] = 0
    hidden = model(**given).last_hidden_state
    given["attention_mask"][1] = 1
    np.testing.assert_array_equal(hidden, model(**given).last_hidden_state)
    assert np.isfinite(np.asarray(hidden, np.float32)).all()


def test_dtype_and_param_dtype_are_separate(load, inputs, simple):
    model = load(config=simple, dtype="bfloat16", param_dtype="float16")
    assert (model.dtype, model.param_dtype) == ("bfloat16", "float16")
    assert {leaf.dtype.name for leaf in jax.tree.leaves(model.params)} == {"float16"}
    found = model(**inputs(), output_hidden_states=True, output_attentions=True)
    assert {leaf.dtype.name for leaf in jax.tree.leaves(found)} == {"bfloat16"}


POSITIONS = np.array([[5, 0, 5, 2], [6, 6, 1, 0], [3, 4, 0, 0]])
WORDS = {"AlbertForPreTraining": "prediction_logits", "AlbertForMaskedLM": "logits"}
KINDS = ["some", "none", "all", "positions"]
words_alone = pytest.mark.parametrize("class_name", WORDS)


@pytest.fixture
def small_chunks(monkeypatch):
    """Four places at a time."""
    monkeypatch.setattr(labelled, "CHUNK", 4)
    labelled.sum_over_labelled.clear_cache()
    yield
    labelled.sum_over_labelled.clear_cache()


def _words(kind):
    """Labels, with positions or without."""
    pieces = np.random.default_rng(9).integers(0, 101, (3, 7))
    index = np.arange(21).reshape(3, 7)
    if kind == "positions":
        labels = np.where(POSITIONS == 0, -100, pieces[:, :4])
        return {"labels": labels, "masked_lm_positions": POSITIONS}
    kept = {"some": index % 3 == 1, "none": index < 0}
    return {"labels": np.where(kept.get(kind, True), pieces, -100)}


def _step(model, output_logits=None):
    """Loss and gradients of training."""

    def loss(params, given):
        return model(
            **given, params=params, train=True, output_logits=output_logits
        ).loss

    return jax.value_and_grad(loss)


@pytest.mark.parametrize(
    ("class_name", "wrap"),
    [("AlbertForPreTraining", jax.jit), ("AlbertForMaskedLM", lambda step: step)],
)
def test_loss_of_training_is_that_of_all_scores(
    class_name, wrap, load, inputs, expect, simple, small_chunks
):
    model = load(class_name, simple)
    step, plain = wrap(_step(model)), jax.jit(_step(model, True))
    for kind in KINDS:
        given = {**inputs(class_name, labels=True), **_words(kind)}
        found, slopes = step(model.params, given)
        right, expected = plain(model.params, given)
        np.testing.assert_allclose(found, right, rtol=0, atol=5e-6)
        jax.tree.map(
            lambda one, other: np.testing.assert_allclose(
                one, other, rtol=1e-3, atol=TOLERANCE
            ),
            slopes,
            expected,
        )
        oracles = expect(class_name, given, simple)["loss"]
        np.testing.assert_allclose(found, oracles, rtol=0, atol=TOLERANCE)


@words_alone
def test_no_scores_of_all_words_at_all_places(
    class_name, load, inputs, simple, small_chunks
):
    # With a vocabulary that is larger than all that the layers make.
    model = load(class_name, simple.replace(vocab_size=1001))
    given = {**inputs(class_name), **_words("all")}
    for asked in (True, None):
        program = str(jax.make_jaxpr(_step(model, asked))(model.params, given))
        sizes = {
            np.prod([int(size) for size in found.split(",")])
            for found in re.findall(r"f32\[([0-9,]+)\]", program)
        }
        # All scores; or the table, or a chunk's.
        assert max(sizes) == (21 * 1001 if asked else 5 * 1001)


@words_alone
def test_when_scores_are_given(class_name, load, inputs, simple, monkeypatch):
    model = load(class_name, simple)
    given = inputs(class_name, labels=True)
    both, alone = model(**given), model(**given, output_logits=False)
    assert set(both) - set(alone) == {WORDS[class_name]}
    np.testing.assert_allclose(alone.loss, both.loss, rtol=0, atol=5e-6)
    assert len(model(**given, train=True, return_dict=False)) == len(alone)
    given = inputs(class_name)
    for train in (True, False):
        found = model(**given, train=train)[WORDS[class_name]]
        assert found.shape == (3, 7, 101)
    monkeypatch.setattr(FlaxAlbertMLMHead, "narrow", None)
    rest = {"sop_logits"} if class_name == "AlbertForPreTraining" else set()
    assert set(model(**given, output_logits=False)) == rest


@words_alone
def test_scores_at_positions(class_name, load, inputs, expect, simple):
    model = load(class_name, simple)
    given = {**inputs(class_name), "masked_lm_positions": POSITIONS.astype(np.int32)}
    right = expect(class_name, given, simple)[WORDS[class_name]]
    for call in (model, jax.jit(model)):
        found = call(**given)[WORDS[class_name]]
        np.testing.assert_allclose(found, right, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"masked_lm_positions": np.zeros(3, int)},
            "masked_lm_positions must have the shape [B, P] = [3, ?], but has [3].",
        ),
        (
            {"masked_lm_positions": np.full((3, 4), 7)},
            "masked_lm_positions must be at least 0 and below length=7, but has 7.",
        ),
        (
            {"masked_lm_positions": np.zeros((3, 4), int), "labels": np.zeros((3, 7))},
            "labels must have the shape [B, P] = [3, 4], but has [3, 7].",
        ),
        (
            {"labels": np.zeros((3, 4), int)},
            "labels must have the shape [B, S] = [3, 7], but has [3, 4].",
        ),
    ],
)
def test_bad_places(load, inputs, simple, given, message):
    model = load("AlbertForMaskedLM", simple)
    for train in (True, False):
        _refused(model, message, **inputs(), **given, train=train)


def test_loss_of_training_in_bfloat16(load, inputs, simple, small_chunks):
    half = {"dtype": "bfloat16", "param_dtype": "bfloat16"}
    model = load("AlbertForMaskedLM", simple, **half)
    given = {**inputs("AlbertForMaskedLM"), **_words("some")}
    found, slopes = jax.jit(_step(model))(model.params, given)
    right, expected = jax.jit(_step(model, True))(model.params, given)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, right, rtol=0, atol=0.01)
    spread = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(expected))
    for one, other in zip(*map(jax.tree.leaves, (slopes, expected)), strict=True):
        assert one.dtype == other.dtype == "bfloat16"
        one, other = (np.asarray(leaf, np.float32) for leaf in (one, other))
        np.testing.assert_allclose(one, other, rtol=0, atol=0.02 * spread)


def _refused(model, message, **given):
    with pytest.raises(ValueError) as raised:
        model(**given)
    assert str(raised.value) == message


def test_wrong_inputs_are_refused(load):
    model = load()
    ids = np.ones((3, 7), np.int32)
    _refused(
        model, "give exactly one of input_ids and inputs_embeds, but neither was given."
    )
    _refused(
        model,
        "input_ids must be at least 0 and below vocab_size=101, but has 101.",
        input_ids=ids * 101,
    )
    _refused(
        model,
        "input_ids must be at least 0 and below vocab_size=101, but has 4294967297.",
        input_ids=(ids.astype(np.int64) + (1 << 32)).tolist(),
    )
    _refused(
        model,
        "input_ids has 20 positions, but max_position_embeddings is 19: truncate the "
        "text or split it.",
        input_ids=np.ones((3, 20), np.int32),
    )


def test_wrong_labels_are_refused(load, inputs):
    message = "labels must be at least 0 and below num_labels=8 or -100, but has 8."
    for class_name, labels in (
        ("AlbertForSequenceClassification", np.array([0, 8, 1])),
        ("AlbertForTokenClassification", np.full((3, 7), 8)),
    ):
        _refused(load(class_name), message, **inputs(), labels=labels)


def test_wrong_choices_are_refused(load):
    model = load("AlbertForMultipleChoice")
    ids = np.ones((3, 9, 7), np.int32)
    _refused(
        model,
        "input_ids must have the shape [B, C, S], but has [9, 7].",
        input_ids=ids[0],
    )
    _refused(
        model,
        "labels must be at least 0 and below choices=9 or -100, but has 9.",
        input_ids=ids,
        labels=np.array([0, 9, 1]),
    )


def test_traced_ids_out_of_range_give_no_number(load, simple):
    model = load(config=simple)
    ids = np.full((3, 7), 101)
    found = jax.jit(lambda ids: model(ids).last_hidden_state)(ids)
    assert np.isnan(found).all()


def _dropouts(model, given):
    """Paths and rates of the dropouts that a call applies."""
    applied = []

    def note(call, arguments, keywords, context):
        module = context.module
        if isinstance(module, nn.Dropout) and context.method_name == "__call__":
            assert not arguments[1]
            applied.append(("/".join(module.path), module.rate))
        return call(*arguments, **keywords)

    with nn.intercept_methods(note):
        jax.eval_shape(lambda key: model(**given, train=True, dropout_rng=key), KEY)
    return sorted(applied)


@pytest.mark.parametrize("class_name", CLASSES)
def test_dropout_fires_where_the_original_has_it(load, inputs, config, class_name):
    settings = {
        # A configuration of its own, for which JAX has traced nothing yet.
        "initializer_range": 0.01 + CLASSES.index(class_name) / 1000,
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.2,
        "classifier_dropout_prob": 0.3,
        "num_hidden_groups": 1,
    }
    model = load(class_name, config.replace(**settings))
    prefix = "" if class_name == "AlbertModel" else "albert/"
    # A block's paths start at its group, which is applied by itself.
    right = [(f"{prefix}embeddings/dropout", 0.1)]
    for inner in "01":
        block = f"albert_layers/{inner}"
        right.append((f"{block}/attention/attention_dropout", 0.2))
        right.append((f"{block}/attention/output_dropout", 0.1))
        right.append((f"{block}/dropout", 0.1))
    if {"classifier", "choice"} & set(names.PARTS[class_name]):
        right.append(("dropout", 0.3))
    assert _dropouts(model, inputs(class_name)) == sorted(right)


def test_training_needs_a_key(config, load, inputs):
    model = load(config=config.replace(hidden_dropout_prob=0.1))
    _refused(
        model,
        "train=True needs dropout_rng, a key such as jax.random.key(0), since the "
        "configuration has dropout.",
        **inputs(),
        train=True,
    )
    still = model(**inputs(), dropout_rng=KEY)
    np.testing.assert_array_equal(
        still.last_hidden_state, model(**inputs()).last_hidden_state
    )


def test_training_without_dropout_needs_no_key(load, inputs):
    model = load()
    found = model(**inputs(), train=True)
    right = model(**inputs()).last_hidden_state
    np.testing.assert_allclose(found.last_hidden_state, right, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", [jax.random.key, jax.random.PRNGKey])
def test_dropout_changes_outputs_as_its_key_says(simple, load, inputs, kind):
    model = load(config=simple.replace(attention_probs_dropout_prob=0.5))
    first, again, other = (
        model(**inputs(), train=True, dropout_rng=kind(seed)).last_hidden_state
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("class_name", CLASSES)
def test_module_makes_the_weights_of_the_table(config, inputs, class_name):
    model = getattr(albert.flax, f"Flax{class_name}")(config)
    variables = jax.eval_shape(
        model.module.init, jax.random.key(0), inputs(class_name)["input_ids"]
    )
    kinds = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), model.params)
    made = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), variables["params"])
    assert made == kinds


def test_works_without_pooling(config, inputs):
    model = FlaxAlbertModel(config, add_pooling_layer=False)
    assert "pooler" not in model.params
    assert "pooler_output" not in model(**inputs())


def test_weights_can_be_given_in_the_call(config, load, inputs):
    model, other = load(), FlaxAlbertModel(config, _do_init=False)
    found = other(**inputs(), params=model.params)
    np.testing.assert_array_equal(
        found.last_hidden_state, model(**inputs()).last_hidden_state
    )
    _refused(
        other,
        "this model was made with _do_init=False and holds no weights: pass params, or "
        "make them with init_weights and set model.params.",
        **inputs(),
    )


def test_no_texts_give_nothing(load):
    model = load("AlbertModel")
    found = model(np.zeros((0, 4), int), output_hidden_states=True)
    assert found.hidden_states[-1].shape[:2] == (0, 4)


def test_a_batch_as_one_argument_is_refused(load):
    with pytest.raises(TypeError) as raised:
        load("AlbertModel")({"input_ids": [[1]]})
    assert str(raised.value) == (
        "input_ids must be an array, but is a dict; the batch of a tokenizer goes in "
        "as model(**batch)."
    )
