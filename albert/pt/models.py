"""The seven models, inputs towards outputs.

Letters: B batch, C choices, S sequence, E embedding, H hidden, V vocabulary, L labels,
P positions to score.
"""

from typing import Any

import torch
from torch import nn

from albert.common.config import AlbertConfig
from albert.common.inputs import words_wanted
from albert.pt import fast, losses
from albert.pt.embeddings import AlbertEmbeddings
from albert.pt.encoder import AlbertTransformer
from albert.pt.heads import AlbertMLMHead, AlbertSOPHead, take_places
from albert.pt.inputs import check_inputs, flatten_choices
from albert.pt.outputs import (
    AlbertForPreTrainingOutput,
    BaseModelOutputWithPooling,
    MaskedLMOutput,
    MultipleChoiceModelOutput,
    QuestionAnsweringModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from albert.pt.pretrained import AlbertPreTrainedModel


class AlbertModel(AlbertPreTrainedModel):
    """The encoder, with a pooled vector of the first token on top.

    Args:
        config: the sizes and settings.
        add_pooling_layer: whether there is a pooled vector.

    Source: ALBERT paper, section 3; google-research/albert modeling.py, `AlbertModel`.
    """

    own_arguments = ("add_pooling_layer",)

    def __init__(self, config: AlbertConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.embeddings = AlbertEmbeddings(config)
        self.encoder = AlbertTransformer(config)
        self.pooler = (
            nn.Linear(config.hidden_size, config.hidden_size)
            if add_pooling_layer
            else None
        )
        self.init_weights()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> BaseModelOutputWithPooling | tuple[Any, ...]:
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

        Returns:
            `BaseModelOutputWithPooling`, or a tuple of its values that are not None.

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
            input_ids, token_type_ids, position_ids, inputs_embeds
        )
        # encode: [B, S, H]
        outputs = self.encoder(
            embeddings,
            attention_mask,
            _or_default(output_attentions, self.config.output_attentions),
            _or_default(output_hidden_states, self.config.output_hidden_states),
        )
        # pool the first token: [B, H]
        pooled = None
        if self.pooler is not None:
            pooled = torch.tanh(self.pooler(outputs.last_hidden_state[:, 0]))
        output = BaseModelOutputWithPooling(
            last_hidden_state=outputs.last_hidden_state,
            pooler_output=pooled,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class AlbertForPreTraining(AlbertPreTrainedModel):
    """Masked words and sentence order: the model as it is pre-trained.

    Args:
        config: the sizes and settings.

    Source: google-research/albert run_pretraining.py, `model_fn_builder`.
    """

    words_field = "prediction_logits"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config)
        self.predictions = AlbertMLMHead(config)
        self.sop_classifier = AlbertSOPHead(config)
        self.init_weights()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        sentence_order_label: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        masked_lm_positions: torch.Tensor | None = None,
        output_logits: bool | None = None,
    ) -> AlbertForPreTrainingOutput | tuple[Any, ...]:
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

        Returns:
            `AlbertForPreTrainingOutput`, or a tuple of its values that are not None.

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
        )
        # score the pieces where they are wanted: [B, S, V] or [B, P, V]
        hidden = take_places(outputs.last_hidden_state, masked_lm_positions)
        prediction_logits = None
        if words_wanted(output_logits, labels, self.training):
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
        output = AlbertForPreTrainingOutput(
            loss=loss,
            prediction_logits=prediction_logits,
            sop_logits=sop_logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class AlbertForMaskedLM(AlbertPreTrainedModel):
    """Masked words.

    Args:
        config: the sizes and settings.

    Source: google-research/albert run_pretraining.py, `get_masked_lm_output`.
    """

    words_field = "logits"

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config, add_pooling_layer=False)
        self.predictions = AlbertMLMHead(config)
        self.init_weights()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        masked_lm_positions: torch.Tensor | None = None,
        output_logits: bool | None = None,
    ) -> MaskedLMOutput | tuple[Any, ...]:
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

        Returns:
            `MaskedLMOutput`, or a tuple of its values that are not None.

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
        )
        # score the pieces where they are wanted: [B, S, V] or [B, P, V]
        hidden = take_places(outputs.last_hidden_state, masked_lm_positions)
        logits = None
        if words_wanted(output_logits, labels, self.training):
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
        output = MaskedLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class AlbertForSequenceClassification(AlbertPreTrainedModel):
    """A label, several labels or a number for a text or a pair.

    Args:
        config: the sizes and settings.

    Source: google-research/albert classifier_utils.py, `create_model`.
    """

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config)
        self.dropout = nn.Dropout(config.classifier_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.init_weights()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> SequenceClassifierOutput | tuple[Any, ...]:
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

        Returns:
            `SequenceClassifierOutput`, or a tuple of its values that are not None.

        Raises:
            ValueError: a shape is wrong, an id or label is out of range, or the
                sequence is longer than `max_position_embeddings`.
        """
        with fast.padding_unread():
            outputs = self.albert(
                input_ids,
                attention_mask,
                token_type_ids,
                position_ids,
                inputs_embeds,
                output_attentions,
                output_hidden_states,
                return_dict=True,
            )
        # drop, classify: [B, H] to [B, L]
        logits = self.classifier(self.dropout(outputs.pooler_output))
        loss = None
        if labels is not None:
            loss = losses.sequence_classification_loss(self.config, logits, labels)
        output = SequenceClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class AlbertForMultipleChoice(AlbertPreTrainedModel):
    """The right one of several choices.

    Args:
        config: the sizes and settings.

    Source: google-research/albert race_utils.py, `create_model`.
    """

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config)
        self.dropout = nn.Dropout(config.classifier_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.init_weights()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> MultipleChoiceModelOutput | tuple[Any, ...]:
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

        Returns:
            `MultipleChoiceModelOutput`, or a tuple of its values that are not None.

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
        with fast.padding_unread():
            outputs = self.albert(
                flatten_choices(input_ids),
                flatten_choices(attention_mask),
                flatten_choices(token_type_ids),
                flatten_choices(position_ids),
                flatten_choices(inputs_embeds),
                output_attentions,
                output_hidden_states,
                return_dict=True,
            )
        # drop, score each choice: [B * C, H] to [B, C]
        scores = self.classifier(self.dropout(outputs.pooler_output))
        logits = scores.view(batch, choices)
        loss = None
        if labels is not None:
            loss = losses.multiple_choice_loss(logits, labels)
        output = MultipleChoiceModelOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class AlbertForTokenClassification(AlbertPreTrainedModel):
    """A label for every token.

    Args:
        config: the sizes and settings.

    Source: Devlin et al. 2019 (BERT), section 5.3; the original has no such head.
    """

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config, add_pooling_layer=False)
        self.dropout = nn.Dropout(config.classifier_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.init_weights()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> TokenClassifierOutput | tuple[Any, ...]:
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

        Returns:
            `TokenClassifierOutput`, or a tuple of its values that are not None.

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
        )
        # drop, classify: [B, S, H] to [B, S, L]
        logits = self.classifier(self.dropout(outputs.last_hidden_state))
        loss = None
        if labels is not None:
            loss = losses.token_classification_loss(self.config, logits, labels)
        output = TokenClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return _as_asked(output, self.config, return_dict)


class AlbertForQuestionAnswering(AlbertPreTrainedModel):
    """The first and last token of an answer within the text.

    Args:
        config: the sizes and settings.

    Source: google-research/albert squad_utils.py, `create_v1_model`.
    """

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__(config)
        self.albert = AlbertModel(config, add_pooling_layer=False)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        self.init_weights()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        start_positions: torch.Tensor | None = None,
        end_positions: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> QuestionAnsweringModelOutput | tuple[Any, ...]:
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

        Returns:
            `QuestionAnsweringModelOutput`, or a tuple of its values that are not None.

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
        )
        # score each token as first and last: [B, S, H] to 2 times [B, S]
        start_logits, end_logits = self.qa_outputs(outputs.last_hidden_state).unbind(-1)
        loss = None
        if start_positions is not None or end_positions is not None:
            loss = losses.question_answering_loss(
                start_logits, end_logits, start_positions, end_positions
            )
        output = QuestionAnsweringModelOutput(
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
