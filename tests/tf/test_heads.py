"""The heads of pre-training."""

from typing import Any

import numpy as np
import tensorflow as tf

from conformance import oracle


def test_mlm_head(flat: Any, make: Any, weights_of: Any) -> None:
    model = make("AlbertForMaskedLM", flat)
    x = np.random.default_rng(5).normal(size=(3, 7, 24)).astype(np.float32)
    found = model.predictions(tf.constant(x))
    expected = oracle.score_pieces(flat, weights_of(model), x)
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-6)


def test_mlm_head_s_table_is_the_word_embeddings(flat: Any, make: Any) -> None:
    model = make("AlbertForMaskedLM", flat)
    table = model.albert.embeddings.word_embeddings.embeddings
    assert model.predictions.decoder.embeddings is table
    assert sum(weight is table for weight in model.weights) == 1
    before = model(np.arange(7)[None]).logits
    table.assign(table * 2.0)
    assert not np.allclose(before, model(np.arange(7)[None]).logits)


def test_sop_head_has_no_dropout(flat: Any, make: Any) -> None:
    model = make("AlbertForPreTraining", flat.replace(classifier_dropout_prob=0.9))
    pooled = tf.constant(np.random.default_rng(5).normal(size=(3, 24)), tf.float32)
    expected = pooled @ model.sop_classifier.classifier.kernel
    found = model.sop_classifier(pooled, training=True)
    found -= model.sop_classifier.classifier.bias
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
