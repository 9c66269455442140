"""The seven models, inputs towards outputs; each is a linen module and its wrapper.

Letters: B batch, C choices, S sequence, E embedding, H hidden, V vocabulary, L labels,
P positions to score.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from albert.common.config import AlbertConfig
from albert.common.inputs import words_wanted
from albert.flax import losses
from albert.flax.embeddings import FlaxAlbertEmbeddings, _dense
from albert.flax.encoder import FlaxAlbertTransformer
from albert.flax.heads import FlaxAlbertMLMHead, FlaxAlbertSOPHead, take_places
from albert.flax.inputs import Array, check_inputs, flatten_choices
from albert.flax.outputs import (
    FlaxAlbertForPreTrainingOutput,
    FlaxBaseModelOutputWithPooling,
    FlaxMaskedLMOutput,
    FlaxMultipleChoiceModelOutput,
    FlaxQuestionAnsweringModelOutput,
    FlaxSequenceClassifierOutput,
    FlaxTokenClassifierOutput,
)
from albert.flax.pretrained import FlaxAlbertPreTrainedModel


class FlaxAlbertModule(nn.Module):
    """The steps of `FlaxAlbertModel`."""

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32
    add_pooling_layer: bool = True
    gradient_checkpointing: bool = False

    def setup(self) -> None:
        """Make the layers."""
        self.embeddings = FlaxAlbertEmbeddings(
            self.config, self.dtype, self.param_dtype
        )
        self.encoder = FlaxAlbertTransformer(
            self.config, self.dtype, self.param_dtype, self.gradient_checkpointing
        )
        self.pooler = (
            _dense(self, self.config.hidden_size) if self.add_pooling_layer else None
        )

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        token_type_ids: Array | None = None,
        position_ids: Array | None = None,
        inputs_embeds: Array | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        deterministic: bool = True,
    ) -> Any:
        """Run the model; see `FlaxAlbertModel`."""
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
            input_ids, token_type_ids, position_ids, inputs_embeds, deterministic
        )
        # encode: [B, S, H]
        outputs = self.encoder(
            embeddings,
            attention_mask,
            _or_default(output_attentions, self.config.output_attentions),
            _or_default(output_hidden_states, self.config.output_hidden_states),
            deterministic,
        )
        # pool the first token: [B, H]
        pooled = None
        if self.pooler is not None:
            pooled = jnp.tanh(self.pooler(outputs.last_hidden_state[:, 0]))
        output = FlaxBaseModelOutputWithPooling(
            last_hidden_state=outputs.last_hidden_state,
            pooler_output=pooled,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class FlaxAlbertModel(FlaxAlbertPreTrainedModel):
    """The encoder, with a pooled vector of the first token on top.

    Args:
        config: the sizes and settings.
        input_shape: not used; here because users of transformers give it.
        seed: seed of new weights.
        dtype: type of the computation.
        param_dtype: type of the weights.
        _do_init: whether to make weights and keep them in the model.
        add_pooling_layer: whether there is a pooled vector.

    Source: ALBERT paper, section 3; google-research/albert modeling.py, `AlbertModel`.
    """

    module_class = FlaxAlbertModule
    own_arguments = ("add_pooling_layer",)

    def __init__(
        self,
        config: AlbertConfig,
        input_shape: tuple[int, ...] = (1, 1),
        seed: int = 0,
        dtype: Any = jnp.float32,
        param_dtype: Any = jnp.float32,
        _do_init: bool = True,
        add_pooling_layer: bool = True,
    ) -> None:
        super().__init__(
            config,
            input_shape,
            seed,
            dtype,
            param_dtype,
            _do_init,
            add_pooling_layer=add_pooling_layer,
        )

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        *,
        params: Any = None,
        dropout_rng: jax.Array | None = None,
        train: bool = False,
    ) -> Any:
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
            params: nested dictionary of weights to use instead of the model's own.
            dropout_rng: key of the dropout's randomness, needed with `train`.
            train: whether dropout is on.

        Returns:
            `FlaxBaseModelOutputWithPooling`, or a tuple of its values that are not
                None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
            ValueError: there are no weights, or dropout is on without a key.
        """
        return self._run(
            params,
            dropout_rng,
            train,
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=return_dict,
        )


class FlaxAlbertForPreTrainingModule(nn.Module):
    """The steps of `FlaxAlbertForPreTraining`."""

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32
    gradient_checkpointing: bool = False

    def setup(self) -> None:
        """Make the layers."""
        self.albert = _bare(self)
        self.predictions = FlaxAlbertMLMHead(self.config, self.dtype, self.param_dtype)
        self.sop_classifier = FlaxAlbertSOPHead(
            self.config, self.dtype, self.param_dtype
        )

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        token_type_ids: Array | None = None,
        position_ids: Array | None = None,
        inputs_embeds: Array | None = None,
        labels: Array | None = None,
        sentence_order_label: Array | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        deterministic: bool = True,
        masked_lm_positions: Array | None = None,
        output_logits: bool | None = None,
    ) -> Any:
        """Run the model; see `FlaxAlbertForPreTraining`."""
        outputs = self.albert(
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
            return_dict=True,
            deterministic=deterministic,
        )
        # score the pieces where they are wanted: [B, S, V] or [B, P, V]
        hidden = take_places(outputs.last_hidden_state, masked_lm_positions)
        table = self.albert.embeddings.word_embeddings
        prediction_logits = None
        if words_wanted(output_logits, labels, not deterministic):
            prediction_logits = self.predictions(hidden, table)
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
                    self.config,
                    self.predictions,
                    hidden,
                    labels,
                    kind,
                    decoder=table,
                )
        if sentence_order_label is not None:
            sop_loss = losses.sentence_order_loss(sop_logits, sentence_order_label)
            loss = sop_loss if loss is None else loss + sop_loss
        output = FlaxAlbertForPreTrainingOutput(
            loss=loss,
            prediction_logits=prediction_logits,
            sop_logits=sop_logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class FlaxAlbertForPreTraining(FlaxAlbertPreTrainedModel):
    """Masked words and sentence order: the model as it is pre-trained.

    Args:
        config: the sizes and settings.

    Source: google-research/albert run_pretraining.py, `model_fn_builder`.
    """

    words_field = "prediction_logits"
    module_class = FlaxAlbertForPreTrainingModule

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        labels: Any = None,
        sentence_order_label: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        masked_lm_positions: Any = None,
        output_logits: bool | None = None,
        *,
        params: Any = None,
        dropout_rng: jax.Array | None = None,
        train: bool = False,
    ) -> Any:
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
            masked_lm_positions: int [B, P], the places to score, any of them more than
                once; None for all. Unused ones may be 0, with the label -100.
            output_logits: whether to give the scores of the words. None gives them
                but for `labels` in training: without them the loss is computed at
                labelled places only, and no [B, S, V] is in memory.
            params: nested dictionary of weights to use instead of the model's own.
            dropout_rng: key of the dropout's randomness, needed with `train`.
            train: whether dropout is on.

        Returns:
            `FlaxAlbertForPreTrainingOutput`, or a tuple of its values that are not
                None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
            ValueError: there are no weights, or dropout is on without a key.
        """
        return self._run(
            params,
            dropout_rng,
            train,
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            labels=labels,
            sentence_order_label=sentence_order_label,
            masked_lm_positions=masked_lm_positions,
            output_logits=output_logits,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=return_dict,
        )


class FlaxAlbertForMaskedLMModule(nn.Module):
    """The steps of `FlaxAlbertForMaskedLM`."""

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32
    gradient_checkpointing: bool = False

    def setup(self) -> None:
        """Make the layers."""
        self.albert = _bare(self, add_pooling_layer=False)
        self.predictions = FlaxAlbertMLMHead(self.config, self.dtype, self.param_dtype)

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        token_type_ids: Array | None = None,
        position_ids: Array | None = None,
        inputs_embeds: Array | None = None,
        labels: Array | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        deterministic: bool = True,
        masked_lm_positions: Array | None = None,
        output_logits: bool | None = None,
    ) -> Any:
        """Run the model; see `FlaxAlbertForMaskedLM`."""
        outputs = self.albert(
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
            return_dict=True,
            deterministic=deterministic,
        )
        # score the pieces where they are wanted: [B, S, V] or [B, P, V]
        hidden = take_places(outputs.last_hidden_state, masked_lm_positions)
        table = self.albert.embeddings.word_embeddings
        logits = None
        if words_wanted(output_logits, labels, not deterministic):
            logits = self.predictions(hidden, table)
        loss = None
        if labels is not None:
            kind = "[B, S]" if masked_lm_positions is None else "[B, P]"
            if logits is not None:
                loss = losses.masked_lm_loss(self.config, logits, labels, kind)
            else:
                loss = losses.labelled_lm_loss(
                    self.config,
                    self.predictions,
                    hidden,
                    labels,
                    kind,
                    decoder=table,
                )
        output = FlaxMaskedLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class FlaxAlbertForMaskedLM(FlaxAlbertPreTrainedModel):
    """Masked words.

    Args:
        config: the sizes and settings.

    Source: google-research/albert run_pretraining.py, `get_masked_lm_output`.
    """

    words_field = "logits"
    module_class = FlaxAlbertForMaskedLMModule

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        labels: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        masked_lm_positions: Any = None,
        output_logits: bool | None = None,
        *,
        params: Any = None,
        dropout_rng: jax.Array | None = None,
        train: bool = False,
    ) -> Any:
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
            masked_lm_positions: int [B, P], the places to score, any of them more than
                once; None for all. Unused ones may be 0, with the label -100.
            output_logits: whether to give the scores of the words. None gives them
                but for `labels` in training: without them the loss is computed at
                labelled places only, and no [B, S, V] is in memory.
            params: nested dictionary of weights to use instead of the model's own.
            dropout_rng: key of the dropout's randomness, needed with `train`.
            train: whether dropout is on.

        Returns:
            `FlaxMaskedLMOutput`, or a tuple of its values that are not None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
            ValueError: there are no weights, or dropout is on without a key.
        """
        return self._run(
            params,
            dropout_rng,
            train,
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            labels=labels,
            masked_lm_positions=masked_lm_positions,
            output_logits=output_logits,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=return_dict,
        )


class FlaxAlbertForSequenceClassificationModule(nn.Module):
    """The steps of `FlaxAlbertForSequenceClassification`."""

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32
    gradient_checkpointing: bool = False

    def setup(self) -> None:
        """Make the layers."""
        self.albert = _bare(self)
        self.dropout = nn.Dropout(self.config.classifier_dropout_prob)
        self.classifier = _dense(self, self.config.num_labels)

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        token_type_ids: Array | None = None,
        position_ids: Array | None = None,
        inputs_embeds: Array | None = None,
        labels: Array | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        deterministic: bool = True,
    ) -> Any:
        """Run the model; see `FlaxAlbertForSequenceClassification`."""
        outputs = self.albert(
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
            return_dict=True,
            deterministic=deterministic,
        )
        # drop, classify: [B, H] to [B, L]
        logits = self.classifier(self.dropout(outputs.pooler_output, deterministic))
        loss = None
        if labels is not None:
            loss = losses.sequence_classification_loss(self.config, logits, labels)
        output = FlaxSequenceClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class FlaxAlbertForSequenceClassification(FlaxAlbertPreTrainedModel):
    """A label, several labels or a number for a text or a pair.

    Args:
        config: the sizes and settings.

    Source: google-research/albert classifier_utils.py, `create_model`.
    """

    module_class = FlaxAlbertForSequenceClassificationModule

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        labels: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        *,
        params: Any = None,
        dropout_rng: jax.Array | None = None,
        train: bool = False,
    ) -> Any:
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
            params: nested dictionary of weights to use instead of the model's own.
            dropout_rng: key of the dropout's randomness, needed with `train`.
            train: whether dropout is on.

        Returns:
            `FlaxSequenceClassifierOutput`, or a tuple of its values that are not None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
            ValueError: there are no weights, or dropout is on without a key.
        """
        return self._run(
            params,
            dropout_rng,
            train,
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            labels=labels,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=return_dict,
        )


class FlaxAlbertForMultipleChoiceModule(nn.Module):
    """The steps of `FlaxAlbertForMultipleChoice`."""

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32
    gradient_checkpointing: bool = False

    def setup(self) -> None:
        """Make the layers."""
        self.albert = _bare(self)
        self.dropout = nn.Dropout(self.config.classifier_dropout_prob)
        self.classifier = _dense(self, 1)

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        token_type_ids: Array | None = None,
        position_ids: Array | None = None,
        inputs_embeds: Array | None = None,
        labels: Array | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        deterministic: bool = True,
    ) -> Any:
        """Run the model; see `FlaxAlbertForMultipleChoice`."""
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
            deterministic=deterministic,
        )
        # drop, score each choice: [B * C, H] to [B, C]
        scores = self.classifier(self.dropout(outputs.pooler_output, deterministic))
        logits = scores.reshape(batch, choices)
        loss = None
        if labels is not None:
            loss = losses.multiple_choice_loss(logits, labels)
        output = FlaxMultipleChoiceModelOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class FlaxAlbertForMultipleChoice(FlaxAlbertPreTrainedModel):
    """The right one of several choices.

    Args:
        config: the sizes and settings.

    Source: google-research/albert race_utils.py, `create_model`.
    """

    module_class = FlaxAlbertForMultipleChoiceModule

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        labels: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        *,
        params: Any = None,
        dropout_rng: jax.Array | None = None,
        train: bool = False,
    ) -> Any:
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
            params: nested dictionary of weights to use instead of the model's own.
            dropout_rng: key of the dropout's randomness, needed with `train`.
            train: whether dropout is on.

        Returns:
            `FlaxMultipleChoiceModelOutput`, or a tuple of its values that are not None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
            ValueError: there are no weights, or dropout is on without a key.
        """
        return self._run(
            params,
            dropout_rng,
            train,
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            labels=labels,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=return_dict,
        )


class FlaxAlbertForTokenClassificationModule(nn.Module):
    """The steps of `FlaxAlbertForTokenClassification`."""

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32
    gradient_checkpointing: bool = False

    def setup(self) -> None:
        """Make the layers."""
        self.albert = _bare(self, add_pooling_layer=False)
        self.dropout = nn.Dropout(self.config.classifier_dropout_prob)
        self.classifier = _dense(self, self.config.num_labels)

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        token_type_ids: Array | None = None,
        position_ids: Array | None = None,
        inputs_embeds: Array | None = None,
        labels: Array | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        deterministic: bool = True,
    ) -> Any:
        """Run the model; see `FlaxAlbertForTokenClassification`."""
        outputs = self.albert(
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
            return_dict=True,
            deterministic=deterministic,
        )
        # drop, classify: [B, S, H] to [B, S, L]
        logits = self.classifier(self.dropout(outputs.last_hidden_state, deterministic))
        loss = None
        if labels is not None:
            loss = losses.token_classification_loss(self.config, logits, labels)
        output = FlaxTokenClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class FlaxAlbertForTokenClassification(FlaxAlbertPreTrainedModel):
    """A label for every token.

    Args:
        config: the sizes and settings.

    Source: Devlin et al. 2019 (BERT), section 5.3; the original has no such head.
    """

    module_class = FlaxAlbertForTokenClassificationModule

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        labels: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        *,
        params: Any = None,
        dropout_rng: jax.Array | None = None,
        train: bool = False,
    ) -> Any:
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
            params: nested dictionary of weights to use instead of the model's own.
            dropout_rng: key of the dropout's randomness, needed with `train`.
            train: whether dropout is on.

        Returns:
            `FlaxTokenClassifierOutput`, or a tuple of its values that are not None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
            ValueError: there are no weights, or dropout is on without a key.
        """
        return self._run(
            params,
            dropout_rng,
            train,
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            labels=labels,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=return_dict,
        )


class FlaxAlbertForQuestionAnsweringModule(nn.Module):
    """The steps of `FlaxAlbertForQuestionAnswering`."""

    config: AlbertConfig
    dtype: Any = jnp.float32
    param_dtype: Any = jnp.float32
    gradient_checkpointing: bool = False

    def setup(self) -> None:
        """Make the layers."""
        self.albert = _bare(self, add_pooling_layer=False)
        self.qa_outputs = _dense(self, 2)

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        token_type_ids: Array | None = None,
        position_ids: Array | None = None,
        inputs_embeds: Array | None = None,
        start_positions: Array | None = None,
        end_positions: Array | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        deterministic: bool = True,
    ) -> Any:
        """Run the model; see `FlaxAlbertForQuestionAnswering`."""
        outputs = self.albert(
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
            return_dict=True,
            deterministic=deterministic,
        )
        # score each token as first and last: [B, S, H] to 2 times [B, S]
        logits = self.qa_outputs(outputs.last_hidden_state)
        start_logits, end_logits = logits[..., 0], logits[..., 1]
        loss = None
        if start_positions is not None or end_positions is not None:
            loss = losses.question_answering_loss(
                start_logits, end_logits, start_positions, end_positions
            )
        output = FlaxQuestionAnsweringModelOutput(
            loss=loss,
            start_logits=start_logits,
            end_logits=end_logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class FlaxAlbertForQuestionAnswering(FlaxAlbertPreTrainedModel):
    """The first and last token of an answer within the text.

    Args:
        config: the sizes and settings.

    Source: google-research/albert squad_utils.py, `create_v1_model`.
    """

    module_class = FlaxAlbertForQuestionAnsweringModule

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        start_positions: Any = None,
        end_positions: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        *,
        params: Any = None,
        dropout_rng: jax.Array | None = None,
        train: bool = False,
    ) -> Any:
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
            params: nested dictionary of weights to use instead of the model's own.
            dropout_rng: key of the dropout's randomness, needed with `train`.
            train: whether dropout is on.

        Returns:
            `FlaxQuestionAnsweringModelOutput`, or a tuple of its values that are not
                None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
            ValueError: there are no weights, or dropout is on without a key.
        """
        return self._run(
            params,
            dropout_rng,
            train,
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            start_positions=start_positions,
            end_positions=end_positions,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=return_dict,
        )


def _bare(module: Any, add_pooling_layer: bool = True) -> FlaxAlbertModule:
    """Make the bare model inside, of a module's settings."""
    return FlaxAlbertModule(
        module.config,
        module.dtype,
        module.param_dtype,
        add_pooling_layer,
        module.gradient_checkpointing,
    )


def _or_default(given: bool | None, default: bool) -> bool:
    return default if given is None else given


def _as_asked(output: Any, config: AlbertConfig, return_dict: bool | None) -> Any:
    wanted = _or_default(return_dict, config.return_dict)
    return output if wanted else output.to_tuple()
