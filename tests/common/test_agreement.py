"""How many answers stay the same."""

import numpy as np
import pytest

from albert.common.agreement import SENTENCES, Agreement, compare
from albert.common.names import PARTS
from albert.common.tokenization import AlbertTokenizerFast

TEXTS = ("The capital of France.", "He went to the door and sat down.")
FIELDS = {
    "AlbertModel": ("last_hidden_state", "pooler_output"),
    "AlbertForPreTraining": ("prediction_logits", "sop_logits"),
    "AlbertForQuestionAnswering": ("start_logits", "end_logits"),
}


@pytest.fixture(scope="module")
def tokenizer():
    return AlbertTokenizerFast.from_pretrained("albert-demo")


def pretend(class_name, seen, shift=None):
    """A model whose scores are as random as the ids; `shift` changes some."""

    def run(inputs):
        ids = inputs["input_ids"]
        seen.append(inputs)
        random = np.random.default_rng(int(ids.sum()))
        outputs = {}
        for field in FIELDS.get(class_name, ("logits",)):
            shape = {
                "pooler_output": (len(ids), 4),
                "sop_logits": (len(ids), 2),
                "start_logits": ids.shape,
                "end_logits": ids.shape,
            }.get(field, (*ids.shape, 5))
            if class_name == "AlbertForSequenceClassification":
                shape = (len(ids), 3)
            if class_name == "AlbertForMultipleChoice":
                shape = ids.shape[:2]
            outputs[field] = random.random(shape, np.float32)
            if shift is not None:
                outputs[field] = shift(outputs[field])
        return outputs

    return run


@pytest.mark.parametrize("class_name", PARTS)
def test_same_and_other_answers(class_name, tokenizer):
    seen = []
    same = pretend(class_name, seen)
    other = pretend(class_name, [], lambda scores: -scores)
    lengths = [len(tokenizer(text)["input_ids"]) for text in TEXTS]
    inner = sum(length - 2 for length in lengths)
    numbers = {
        "AlbertModel": {},
        "AlbertForPreTraining": {"prediction_logits": inner, "sop_logits": inner},
        "AlbertForMaskedLM": {"logits": inner},
        "AlbertForSequenceClassification": {"logits": 2},
        "AlbertForMultipleChoice": {"logits": 2},
        "AlbertForTokenClassification": {"logits": sum(lengths)},
        "AlbertForQuestionAnswering": {"start_logits": 2, "end_logits": 2},
    }[class_name]
    found = compare(same, same, class_name, tokenizer, TEXTS)
    assert found.counts == {field: (n, n) for field, n in numbers.items()}
    assert (found.texts, found.difference, found.differing) == (2, 0, 0)
    found = compare(same, other, class_name, tokenizer, TEXTS)
    assert {field: n for field, (_, n) in found.counts.items()} == numbers
    # The highest score turned into the lowest.
    assert found.differing == sum(numbers.values())
    assert 0.5 < found.difference <= 2
    check_inputs(class_name, seen[0], tokenizer)


def check_inputs(class_name, inputs, tokenizer):
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    if class_name in ("AlbertForPreTraining", "AlbertForMaskedLM"):
        # Each token in turn, but not [CLS] and [SEP].
        hidden = ids == tokenizer.mask_token_id
        assert (hidden.sum(1) == 1).all()
        assert (hidden.argmax(1) == np.arange(1, ids.shape[1] - 1)).all()
    elif class_name == "AlbertForMultipleChoice":
        assert ids.shape[:2] == (1, 2)
        assert not mask.all()
    elif class_name == "AlbertForQuestionAnswering":
        assert inputs["token_type_ids"].any()
    else:
        assert ids.shape == (1, len(tokenizer(TEXTS[0])["input_ids"]))


def test_a_single_number_is_no_choice(tokenizer):
    one = pretend("AlbertForMaskedLM", [])
    found = compare(
        lambda inputs: {"logits": one(inputs)["logits"][..., :1]},
        lambda inputs: {"logits": one(inputs)["logits"][..., :1] + 1},
        "AlbertForTokenClassification",
        tokenizer,
        TEXTS,
    )
    assert found.counts == {}
    assert found.difference == pytest.approx(1)


def test_what_is_said():
    found = Agreement({"logits": (135, 139), "sop_logits": (10, 10)}, 10, 0.376)
    assert found.lines() == [
        "135 of 139 logits have the same highest score (97.1%)",
        "10 of 10 sop_logits have the same highest score (100.0%)",
        "outputs differ by up to 0.38",
    ]
    assert found.warning() == (
        "int8 changes 4 of 149 answers on 10 texts: use model.onnx where that matters."
    )
    assert len(SENTENCES) == len(set(SENTENCES)) == 10
