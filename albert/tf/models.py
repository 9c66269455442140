"""The seven models, inputs towards outputs.

Letters: B batch, C choices, S sequence, E embedding, H hidden, V vocabulary, L labels,
P positions to score.
"""

from typing import Any, ClassVar

import keras
import tensorflow as tf
from keras import layers

from albert.common.config import AlbertConfig
from albert.common.inputs import words_wanted
from albert.tf import losses
from albert.tf.embeddings import TFAlbertEmbeddings, _Dense
from albert.tf.encoder import TFAlbertTransformer
from albert.tf.heads import TFAlbertMLMHead, TFAlbertSOPHead, take_places
from albert.tf.inputs import check_inputs, flatten_choices
from albert.tf.outputs import (
    TFAlbertForPreTrainingOutput,
    TFBaseModelOutputWithPooling,
    TFMaskedLMOutput,
    TFMultipleChoiceModelOutput,
    TFQuestionAnsweringModelOutput,
    TFSequenceClassifierOutput,
    TFTokenClassifierOutput,
)
from albert.tf.pretrained import TFAlbertPreTrainedModel

_register = keras.saving.register_keras_serializable(package="albert")


@_register
class TFAlbertModel(TFAlbertPreTrainedModel):
    """The encoder, with a pooled vector of the first token on top.

    Args:
        config: the sizes and settings.
        add_pooling_layer: whether there is a pooled vector.
        dtype: Keras policy, such as "bfloat16" or "mixed_bfloat16"; None for Keras'
            global one.
        name: of the Keras model.

    Source: ALBERT paper, section 3; google-research/albert modeling.py, `AlbertModel`.
    """

    own_arguments = ("add_pooling_layer",)
    labels_of: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        config: AlbertConfig,
        add_pooling_layer: bool = True,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(config, dtype, name)
        self.add_pooling_layer = add_pooling_layer
        self.embeddings = TFAlbertEmbeddings(config, dtype=dtype, name="embeddings")
        self.encoder = TFAlbertTransformer(config, dtype=dtype, name="encoder")
        self.pooler = (
            _Dense(config.hidden_size, dtype=dtype, name="pooler")
            if add_pooling_layer
            else None
        )
        with keras.name_scope(self.name):
            self.embeddings.build()
            self.encoder.build()
            if self.pooler is not None:
                self.pooler.build((None, config.hidden_size))
        self.init_weights()

    def call(
        self,
        input_ids: tf.Tensor | None = None,
        attention_mask: tf.Tensor | None = None,
        token_type_ids: tf.Tensor | None = None,
        position_ids: tf.Tensor | None = None,
        inputs_embeds: tf.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool | None = None,
    ) -> TFBaseModelOutputWithPooling | tuple[Any, ...]:
        """Run the model.

        Args:
            input_ids: int [B, S].
            attention_mask: int, float or bool [B, S]; 1 keeps, 0 hides. None keeps all.
            token_type_ids: int [B, S], segment of each token; None means 0.
            position_ids: int [B, S] or [1, S]; None counts from 0, padding included.
            inputs_embeds: float [B, S, E], instead of `input_ids`.
            output_attentions: whether to give the attention probabilities; None as
                the configuration says, likewise the two below.
            output_hidden_states: whether to give the layers' outputs.
            return_dict: whether to give an output object, or else a tuple.
            training: whether dropout fires.

        Returns:
            `TFBaseModelOutputWithPooling`, or a tuple of its values that are not None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
        """
        check_inputs(
            self.config,
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
        )
        # embed: [B, S, E]
        embeddings = self.embeddings(
            input_ids,
            token_type_ids,
            position_ids,
            inputs_embeds,
            training=training,
        )
        # encode: [B, S, H]
        outputs = self.encoder(
            embeddings,
            attention_mask,
            output_attentions=_or_default(
                output_attentions, self.config.output_attentions
            ),
            output_hidden_states=_or_default(
                output_hidden_states, self.config.output_hidden_states
            ),
            training=training,
        )
        # pool the first token: [B, H]
        pooled = None
        if self.pooler is not None:
            pooled = tf.tanh(self.pooler(outputs.last_hidden_state[:, 0]))
        output = TFBaseModelOutputWithPooling(
            last_hidden_state=outputs.last_hidden_state,
            pooler_output=pooled,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


@_register
class TFAlbertForPreTraining(TFAlbertPreTrainedModel):
    """Masked words and sentence order: the model as it is pre-trained.

    Args:
        config: the sizes and settings.
        dtype: Keras policy, such as "bfloat16" or "mixed_bfloat16"; None for Keras'
            global one.
        name: of the Keras model.

    Source: google-research/albert run_pretraining.py, `model_fn_builder`.
    """

    words_field = "prediction_logits"
    labels_of: ClassVar[dict[str, str]] = {
        "prediction_logits": "labels",
        "sop_logits": "sentence_order_label",
    }

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(config, dtype, name)
        self.albert = TFAlbertModel(config, dtype=dtype, name="albert")
        self.predictions = TFAlbertMLMHead(config, dtype=dtype, name="predictions")
        self.tie_weights()
        self.predictions.build()
        self.sop_classifier = TFAlbertSOPHead(
            config, dtype=dtype, name="sop_classifier"
        )
        self.sop_classifier.build()
        self.init_weights()

    def call(
        self,
        input_ids: tf.Tensor | None = None,
        attention_mask: tf.Tensor | None = None,
        token_type_ids: tf.Tensor | None = None,
        position_ids: tf.Tensor | None = None,
        inputs_embeds: tf.Tensor | None = None,
        labels: tf.Tensor | None = None,
        sentence_order_label: tf.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool | None = None,
        masked_lm_positions: tf.Tensor | None = None,
        output_logits: bool | None = None,
    ) -> TFAlbertForPreTrainingOutput | tuple[Any, ...]:
        """Run the model.

        Args:
            input_ids: int [B, S].
            attention_mask: int, float or bool [B, S]; 1 keeps, 0 hides. None keeps all.
            token_type_ids: int [B, S], segment of each token; None means 0.
            position_ids: int [B, S] or [1, S]; None counts from 0, padding included.
            inputs_embeds: float [B, S, E], instead of `input_ids`.
            labels: int [B, S]; the right piece where one was masked, -100 elsewhere.
                [B, P] with `masked_lm_positions`.
            sentence_order_label: int [B]; 0 = in order, 1 = swapped, -100 ignored.
            output_attentions: whether to give the attention probabilities; None as
                the configuration says, likewise the two below.
            output_hidden_states: whether to give the layers' outputs.
            return_dict: whether to give an output object, or else a tuple.
            training: whether dropout fires.
            masked_lm_positions: int [B, P], the places to score, any of them more than
                once; None for all. Unused ones may be 0, with the label -100.
            output_logits: whether to give the scores of the words. None gives them
                but for `labels` in training: without them the loss is computed at
                labelled places only, and no [B, S, V] is in memory.

        Returns:
            `TFAlbertForPreTrainingOutput`, or a tuple of its values that are not None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
        """
        outputs = self.albert(
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
            return_dict=True,
            training=training,
        )
        # score the pieces where they are wanted: [B, S, V] or [B, P, V]
        hidden = take_places(outputs.last_hidden_state, masked_lm_positions)
        prediction_logits = None
        if words_wanted(output_logits, labels, training):
            prediction_logits = self.predictions(hidden)
        # score the order: [B, 2]
        sop_logits = self.sop_classifier(outputs.pooler_output)
        # sum the losses whose labels are there
        loss = None
        if labels is not None:
            kind = "[B, S]" if masked_lm_positions is None else "[B, P]"
            if prediction_logits is not None:
                loss = losses.masked_lm_loss(
                    self.config, prediction_logits, labels, kind
                )
            else:
                loss = losses.labelled_lm_loss(
                    self.config, self.predictions, hidden, labels, kind
                )
        if sentence_order_label is not None:
            sop_loss = losses.sentence_order_loss(sop_logits, sentence_order_label)
            loss = sop_loss if loss is None else loss + sop_loss
        output = TFAlbertForPreTrainingOutput(
            loss=loss,
            prediction_logits=prediction_logits,
            sop_logits=sop_logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


@_register
class TFAlbertForMaskedLM(TFAlbertPreTrainedModel):
    """Masked words.

    Args:
        config: the sizes and settings.
        dtype: Keras policy, such as "bfloat16" or "mixed_bfloat16"; None for Keras'
            global one.
        name: of the Keras model.

    Source: google-research/albert run_pretraining.py, `get_masked_lm_output`.
    """

    words_field = "logits"

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(config, dtype, name)
        self.albert = TFAlbertModel(
            config, add_pooling_layer=False, dtype=dtype, name="albert"
        )
        self.predictions = TFAlbertMLMHead(config, dtype=dtype, name="predictions")
        self.tie_weights()
        self.predictions.build()
        self.init_weights()

    def call(
        self,
        input_ids: tf.Tensor | None = None,
        attention_mask: tf.Tensor | None = None,
        token_type_ids: tf.Tensor | None = None,
        position_ids: tf.Tensor | None = None,
        inputs_embeds: tf.Tensor | None = None,
        labels: tf.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool | None = None,
        masked_lm_positions: tf.Tensor | None = None,
        output_logits: bool | None = None,
    ) -> TFMaskedLMOutput | tuple[Any, ...]:
        """Run the model.

        Args:
            input_ids: int [B, S].
            attention_mask: int, float or bool [B, S]; 1 keeps, 0 hides. None keeps all.
            token_type_ids: int [B, S], segment of each token; None means 0.
            position_ids: int [B, S] or [1, S]; None counts from 0, padding included.
            inputs_embeds: float [B, S, E], instead of `input_ids`.
            labels: int [B, S]; the right piece where one was masked, -100 elsewhere.
                [B, P] with `masked_lm_positions`.
            output_attentions: whether to give the attention probabilities; None as
                the configuration says, likewise the two below.
            output_hidden_states: whether to give the layers' outputs.
            return_dict: whether to give an output object, or else a tuple.
            training: whether dropout fires.
            masked_lm_positions: int [B, P], the places to score, any of them more than
                once; None for all. Unused ones may be 0, with the label -100.
            output_logits: whether to give the scores of the words. None gives them
                but for `labels` in training: without them the loss is computed at
                labelled places only, and no [B, S, V] is in memory.

        Returns:
            `TFMaskedLMOutput`, or a tuple of its values that are not None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
        """
        outputs = self.albert(
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
            return_dict=True,
            training=training,
        )
        # score the pieces where they are wanted: [B, S, V] or [B, P, V]
        hidden = take_places(outputs.last_hidden_state, masked_lm_positions)
        logits = None
        if words_wanted(output_logits, labels, training):
            logits = self.predictions(hidden)
        loss = None
        if labels is not None:
            kind = "[B, S]" if masked_lm_positions is None else "[B, P]"
            if logits is not None:
                loss = losses.masked_lm_loss(self.config, logits, labels, kind)
            else:
                loss = losses.labelled_lm_loss(
                    self.config, self.predictions, hidden, labels, kind
                )
        output = TFMaskedLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


@_register
class TFAlbertForSequenceClassification(TFAlbertPreTrainedModel):
    """A label, several labels or a number for a text or a pair.

    Args:
        config: the sizes and settings.
        dtype: Keras policy, such as "bfloat16" or "mixed_bfloat16"; None for Keras'
            global one.
        name: of the Keras model.

    Source: google-research/albert classifier_utils.py, `create_model`.
    """

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(config, dtype, name)
        self.albert = TFAlbertModel(config, dtype=dtype, name="albert")
        self.dropout = layers.Dropout(config.classifier_dropout_prob, dtype=dtype)
        self.classifier = _Dense(config.num_labels, dtype=dtype, name="classifier")
        self.classifier.build((None, config.hidden_size))
        self.init_weights()

    def call(
        self,
        input_ids: tf.Tensor | None = None,
        attention_mask: tf.Tensor | None = None,
        token_type_ids: tf.Tensor | None = None,
        position_ids: tf.Tensor | None = None,
        inputs_embeds: tf.Tensor | None = None,
        labels: tf.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool | None = None,
    ) -> TFSequenceClassifierOutput | tuple[Any, ...]:
        """Run the model.

        Args:
            input_ids: int [B, S].
            attention_mask: int, float or bool [B, S]; 1 keeps, 0 hides. None keeps all.
            token_type_ids: int [B, S], segment of each token; None means 0.
            position_ids: int [B, S] or [1, S]; None counts from 0, padding included.
            inputs_embeds: float [B, S, E], instead of `input_ids`.
            labels: int [B] for one label, -100 ignored; float [B, L] of 0 and 1 for
                several; float [B] or [B, L] for regression. `config.problem_type`
                decides which, or else the number of labels and their type.
            output_attentions: whether to give the attention probabilities; None as
                the configuration says, likewise the two below.
            output_hidden_states: whether to give the layers' outputs.
            return_dict: whether to give an output object, or else a tuple.
            training: whether dropout fires.

        Returns:
            `TFSequenceClassifierOutput`, or a tuple of its values that are not None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
        """
        outputs = self.albert(
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
            return_dict=True,
            training=training,
        )
        # drop, classify: [B, H] to [B, L]
        logits = self.classifier(self.dropout(outputs.pooler_output, training=training))
        loss = None
        if labels is not None:
            loss = losses.sequence_classification_loss(self.config, logits, labels)
        output = TFSequenceClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


@_register
class TFAlbertForMultipleChoice(TFAlbertPreTrainedModel):
    """The right one of several choices.

    Args:
        config: the sizes and settings.
        dtype: Keras policy, such as "bfloat16" or "mixed_bfloat16"; None for Keras'
            global one.
        name: of the Keras model.

    Source: google-research/albert race_utils.py, `create_model`.
    """

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(config, dtype, name)
        self.albert = TFAlbertModel(config, dtype=dtype, name="albert")
        self.dropout = layers.Dropout(config.classifier_dropout_prob, dtype=dtype)
        self.classifier = _Dense(1, dtype=dtype, name="classifier")
        self.classifier.build((None, config.hidden_size))
        self.init_weights()

    def call(
        self,
        input_ids: tf.Tensor | None = None,
        attention_mask: tf.Tensor | None = None,
        token_type_ids: tf.Tensor | None = None,
        position_ids: tf.Tensor | None = None,
        inputs_embeds: tf.Tensor | None = None,
        labels: tf.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool | None = None,
    ) -> TFMultipleChoiceModelOutput | tuple[Any, ...]:
        """Run the model.

        Args:
            input_ids: int [B, C, S].
            attention_mask: int, float or bool [B, C, S]; 1 keeps, 0 hides. None keeps
                all.
            token_type_ids: int [B, C, S], segment of each token; None means 0.
            position_ids: int [B, C, S]; None counts from 0, padding included.
            inputs_embeds: float [B, C, S, E], instead of `input_ids`.
            labels: int [B], the right choice; -100 is ignored.
            output_attentions: whether to give the attention probabilities; None as
                the configuration says, likewise the two below.
            output_hidden_states: whether to give the layers' outputs.
            return_dict: whether to give an output object, or else a tuple.
            training: whether dropout fires.

        Returns:
            `TFMultipleChoiceModelOutput`, or a tuple of its values that are not None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
        """
        batch, choices, _ = check_inputs(
            self.config,
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            choices=True,
        )
        outputs = self.albert(
            flatten_choices(input_ids),
            flatten_choices(attention_mask),
            flatten_choices(token_type_ids),
            flatten_choices(position_ids),
            flatten_choices(inputs_embeds),
            output_attentions,
            output_hidden_states,
            return_dict=True,
            training=training,
        )
        # drop, score each choice: [B * C, H] to [B, C]
        scores = self.classifier(self.dropout(outputs.pooler_output, training=training))
        logits = tf.reshape(scores, (batch, choices))
        loss = None
        if labels is not None:
            loss = losses.multiple_choice_loss(logits, labels)
        output = TFMultipleChoiceModelOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


@_register
class TFAlbertForTokenClassification(TFAlbertPreTrainedModel):
    """A label for every token.

    Args:
        config: the sizes and settings.
        dtype: Keras policy, such as "bfloat16" or "mixed_bfloat16"; None for Keras'
            global one.
        name: of the Keras model.

    Source: Devlin et al. 2019 (BERT), section 5.3; the original has no such head.
    """

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(config, dtype, name)
        self.albert = TFAlbertModel(
            config, add_pooling_layer=False, dtype=dtype, name="albert"
        )
        self.dropout = layers.Dropout(config.classifier_dropout_prob, dtype=dtype)
        self.classifier = _Dense(config.num_labels, dtype=dtype, name="classifier")
        self.classifier.build((None, config.hidden_size))
        self.init_weights()

    def call(
        self,
        input_ids: tf.Tensor | None = None,
        attention_mask: tf.Tensor | None = None,
        token_type_ids: tf.Tensor | None = None,
        position_ids: tf.Tensor | None = None,
        inputs_embeds: tf.Tensor | None = None,
        labels: tf.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool | None = None,
    ) -> TFTokenClassifierOutput | tuple[Any, ...]:
        """Run the model.

        Args:
            input_ids: int [B, S].
            attention_mask: int, float or bool [B, S]; 1 keeps, 0 hides. None keeps all.
            token_type_ids: int [B, S], segment of each token; None means 0.
            position_ids: int [B, S] or [1, S]; None counts from 0, padding included.
            inputs_embeds: float [B, S, E], instead of `input_ids`.
            labels: int [B, S]; -100 is ignored.
            output_attentions: whether to give the attention probabilities; None as
                the configuration says, likewise the two below.
            output_hidden_states: whether to give the layers' outputs.
            return_dict: whether to give an output object, or else a tuple.
            training: whether dropout fires.

        Returns:
            `TFTokenClassifierOutput`, or a tuple of its values that are not None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
        """
        outputs = self.albert(
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
            return_dict=True,
            training=training,
        )
        # drop, classify: [B, S, H] to [B, S, L]
        logits = self.classifier(
            self.dropout(outputs.last_hidden_state, training=training)
        )
        loss = None
        if labels is not None:
            loss = losses.token_classification_loss(self.config, logits, labels)
        output = TFTokenClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


@_register
class TFAlbertForQuestionAnswering(TFAlbertPreTrainedModel):
    """The first and last token of an answer within the text.

    Args:
        config: the sizes and settings.
        dtype: Keras policy, such as "bfloat16" or "mixed_bfloat16"; None for Keras'
            global one.
        name: of the Keras model.

    Source: google-research/albert squad_utils.py, `create_v1_model`.
    """

    labels_of: ClassVar[dict[str, str]] = {
        "start_logits": "start_positions",
        "end_logits": "end_positions",
    }

    def __init__(
        self, config: AlbertConfig, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(config, dtype, name)
        self.albert = TFAlbertModel(
            config, add_pooling_layer=False, dtype=dtype, name="albert"
        )
        self.qa_outputs = _Dense(2, dtype=dtype, name="qa_outputs")
        self.qa_outputs.build((None, config.hidden_size))
        self.init_weights()

    def call(
        self,
        input_ids: tf.Tensor | None = None,
        attention_mask: tf.Tensor | None = None,
        token_type_ids: tf.Tensor | None = None,
        position_ids: tf.Tensor | None = None,
        inputs_embeds: tf.Tensor | None = None,
        start_positions: tf.Tensor | None = None,
        end_positions: tf.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        training: bool | None = None,
    ) -> TFQuestionAnsweringModelOutput | tuple[Any, ...]:
        """Run the model.

        Args:
            input_ids: int [B, S].
            attention_mask: int, float or bool [B, S]; 1 keeps, 0 hides. None keeps all.
            token_type_ids: int [B, S], segment of each token; None means 0.
            position_ids: int [B, S] or [1, S]; None counts from 0, padding included.
            inputs_embeds: float [B, S, E], instead of `input_ids`.
            start_positions: int [B], index of the answer's first token; one outside the
                sequence is ignored.
            end_positions: int [B], index of the answer's last token, likewise.
            output_attentions: whether to give the attention probabilities; None as
                the configuration says, likewise the two below.
            output_hidden_states: whether to give the layers' outputs.
            return_dict: whether to give an output object, or else a tuple.
            training: whether dropout fires.

        Returns:
            `TFQuestionAnsweringModelOutput`, or a tuple of its values that are not
            None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
        """
        outputs = self.albert(
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
            return_dict=True,
            training=training,
        )
        # score each token as first and last: [B, S, H] to 2 times [B, S]
        scores = self.qa_outputs(outputs.last_hidden_state)
        start_logits, end_logits = tf.unstack(scores, axis=-1)
        loss = None
        if start_positions is not None or end_positions is not None:
            loss = losses.question_answering_loss(
                start_logits, end_logits, start_positions, end_positions
            )
        output = TFQuestionAnsweringModelOutput(
            loss=loss,
            start_logits=start_logits,
            end_logits=end_logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


def _or_default(given: bool | None, default: bool) -> bool:
    return default if given is None else given


def _as_asked(output: Any, config: AlbertConfig, return_dict: bool | None) -> Any:
    wanted = _or_default(return_dict, config.return_dict)
    return output if wanted else output.to_tuple()
