"""More tokens, or fewer: what was there stays, heads and files follow."""

import numpy as np
import pytest
import torch

from albert import AlbertConfig
from albert.pt import AlbertForMaskedLM, AlbertModel

CONFIG = AlbertConfig(
    vocab_size=50,
    embedding_size=8,
    hidden_size=16,
    num_hidden_layers=4,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=64,
    initializer_range=0.3,
)
IDS = np.random.default_rng(0).integers(5, 40, (3, 9))


def make():
    """A model whose biases are not 0."""
    model = AlbertForMaskedLM(CONFIG).eval()
    with torch.no_grad():
        model.predictions.bias.copy_(torch.linspace(-2, 1, 50))
    return model


def logits(model, ids=IDS):
    with torch.no_grad():
        return model(torch.tensor(ids)).logits.numpy()


def table(model):
    return model.get_input_embeddings().weight.detach().numpy()


def bias(model):
    return model.predictions.bias.detach().numpy()


@pytest.mark.parametrize("number", [40, 51, 64])
@pytest.mark.parametrize("mean_resizing", [True, False])
def test_old_tokens_stay(number, mean_resizing, tmp_path):
    model = make()
    right, old, biases = logits(model), table(model), bias(model)
    kept, size = min(number, 50), model.num_parameters()
    returned = model.resize_token_embeddings(number, mean_resizing=mean_resizing)
    assert returned is model.get_input_embeddings()
    assert returned.num_embeddings == number
    assert model.get_output_embeddings().weight is returned.weight
    assert model.get_output_embeddings().out_features == number
    assert model.config.vocab_size == number
    assert CONFIG.vocab_size == 50
    assert model.num_parameters() == size + 9 * (number - 50)
    assert np.array_equal(table(model)[:kept], old[:kept])
    assert np.array_equal(bias(model)[:kept], biases[:kept])
    assert np.array_equal(logits(model)[..., :kept], right[..., :kept])
    assert np.allclose(bias(model)[50:], biases.mean(), atol=1e-6)
    if mean_resizing:
        assert np.allclose(table(model)[50:], old.mean(0), atol=1e-3)
    model.save_pretrained(tmp_path)
    again = AlbertForMaskedLM.from_pretrained(tmp_path)
    assert again.config.vocab_size == number
    assert np.array_equal(logits(again), logits(model))


def test_new_rows():
    model = make()
    model.resize_token_embeddings(60)
    mean = logits(model)[..., :50].mean(-1, keepdims=True)
    assert np.allclose(logits(model)[..., 50:], mean, atol=1e-2)
    assert len(np.unique(table(model)[50:], axis=0)) == 10
    model = make()
    model.resize_token_embeddings(2050, mean_resizing=False)
    drawn = table(model)[50:]
    assert abs(drawn.std() - 0.3 * 0.88) < 0.01
    assert np.abs(drawn).max() < 0.61


def test_new_tokens_can_be_used():
    model = AlbertModel(CONFIG)
    model.resize_token_embeddings(pad_to_multiple_of=64)
    assert model.config.vocab_size == 64
    ids = torch.tensor([[63, 3]])
    assert model(ids).last_hidden_state.shape == (1, 2, 16)
    with pytest.raises(ValueError, match="input_ids"):
        model(ids + 1)


def test_no_change():
    model = make()
    config = model.config
    model.resize_token_embeddings()
    assert model.config is config


def test_the_padding_token_cannot_be_cut_off():
    with pytest.raises(ValueError) as caught:
        make().resize_token_embeddings(3)
    assert str(caught.value) == (
        "new_num_tokens must be above eos_token_id, which is 3, but is 3."
    )


def test_training_state_stays():
    model = make()
    model.get_input_embeddings().weight.requires_grad_(False)
    model.resize_token_embeddings(60)
    assert not model.get_input_embeddings().weight.requires_grad
    assert model.predictions.bias.requires_grad
    model(torch.tensor(IDS), labels=torch.tensor(IDS)).loss.backward()
    assert model.predictions.bias.grad.shape == (60,)


def test_another_embedding_layer():
    model = make()
    layer = torch.nn.Embedding(50, 8)
    model.set_input_embeddings(layer)
    assert model.get_input_embeddings() is layer
    assert model.get_output_embeddings().weight is layer.weight
    assert AlbertModel(CONFIG).get_output_embeddings() is None


def test_a_model_without_weights():
    with torch.device("meta"):
        model = AlbertForMaskedLM(CONFIG)
    with pytest.raises(ValueError) as caught:
        model.resize_token_embeddings(60)
    assert str(caught.value) == "a model on the meta device has no weights to resize."
