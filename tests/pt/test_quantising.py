"""Models in int8, as transformers' page of ALBERT makes them."""

import re
from pathlib import Path

import pytest
import torch

import albert
from albert import AlbertConfig, AlbertForMaskedLM, AutoTokenizer
from benchmarks.quantising import compare, quantise

from ..common.repositories import content

DEMO = Path(albert.__file__).parent / "assets" / "albert-demo"
SENTENCES = (
    "Plants create energy through a process known as photosynthesis.",
    "The committee will meet again on Monday to discuss the new budget.",
    "She walked along the river until it was too dark to see the path.",
    "Most of the houses in the village were built before the war.",
    "He asked the driver to stop at the next corner.",
)
warned = pytest.mark.filterwarnings(
    "ignore:torch.ao.quantization is deprecated:DeprecationWarning",
    "ignore:torch.quantize_per_tensor:UserWarning",
)


@pytest.fixture(scope="module")
def models():
    model = AlbertForMaskedLM.from_pretrained("albert-demo")
    return model, quantise(model)


def test_size(models):
    """int8 for every matrix once, the decoder's own among them; the rest in float32."""
    model, small = models
    config = model.config
    table = config.vocab_size * config.embedding_size
    matrices = sum(
        module.weight.numel()
        for module in model.modules()
        if isinstance(module, torch.nn.Linear)
    )
    assert model.get_memory_footprint() == 4 * model.num_parameters()
    # The decoder's matrix is the table in float32; its bias is held twice after.
    assert small.get_memory_footprint() == (
        model.get_memory_footprint()
        - 4 * (matrices - table)
        + matrices
        + 4 * config.vocab_size
    )
    layers = {id(one) for one in small.albert.encoder.albert_layer_groups}
    assert len(layers) == config.num_hidden_groups


@warned
def test_size_of_float16(models):
    model = models[0]
    small = torch.ao.quantization.quantize_dynamic(
        model, {torch.nn.Linear}, dtype=torch.float16
    )
    matrices = sum(
        module.weight.numel()
        for module in model.modules()
        if isinstance(module, torch.nn.Linear)
    )
    table, biases = 8192 * 128, 4 * 8192
    expected = model.get_memory_footprint() + 4 * table - 2 * matrices + biases
    assert small.get_memory_footprint() == expected


def test_embeddings_stay(models):
    model, small = models
    words, old = small.get_input_embeddings().weight, model.get_input_embeddings()
    assert torch.equal(words, old.weight)
    assert small.get_output_embeddings().weight().dtype == torch.qint8


def test_answers(models):
    tokenizer = AutoTokenizer.from_pretrained("albert-demo")
    same, total, error = compare(*models, tokenizer, SENTENCES)[:3]
    assert total > 5
    assert same >= 0.7 * total
    assert 0 < error < 0.1


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("saved", lambda model, folder: model.save_pretrained(folder)),
        ("resized", lambda model, _: model.resize_token_embeddings(9000)),
    ],
)
def test_what_cannot_be_done(models, tmp_path, what, call):
    with pytest.raises(ValueError) as caught:
        call(models[1], tmp_path)
    assert str(caught.value) == (
        f"a quantised model cannot be {what}, and "
        f"albert.encoder.embedding_hidden_mapping_in is quantised: do it with the "
        f"model that quantize_dynamic was given."
    )
    assert not list(tmp_path.iterdir())


# The published example, but for the line of its import.
EXAMPLE = """
from albert import AutoModelForMaskedLM, AutoTokenizer
import torch

model = AutoModelForMaskedLM.from_pretrained("albert/albert-base-v1")
tokenizer = AutoTokenizer.from_pretrained("albert/albert-base-v1")

quantized_model = torch.quantization.quantize_dynamic(
    model,
    {torch.nn.Linear},
    dtype=torch.qint8
)

print(f"Size before: {model.get_memory_footprint()/1e6:.1f}MB")
print(f"Size after: {quantized_model.get_memory_footprint()/1e6:.1f}MB")

inputs = tokenizer("Albert Einstein was born in [MASK].", return_tensors="pt")
with torch.no_grad():
    outputs = quantized_model(**inputs)
    print(tokenizer.decode(outputs.logits[0].argmax(-1)))
"""


@warned
def test_the_published_example(hub, capsys):
    hub.add("albert/albert-base-v1", content(DEMO))
    exec(compile(EXAMPLE, "example", "exec"), {})
    before, after, text = capsys.readouterr().out.splitlines()
    sizes = [float(re.search(r"([\d.]+)MB", line)[1]) for line in (before, after)]
    assert sizes[1] < sizes[0]
    assert "born" in text


@warned
def test_a_model_that_is_mostly_layers():
    """In ALBERT's own proportions the layers are most, and the size falls to half."""
    config = AlbertConfig.preset("albert-base-v2", vocab_size=3000)
    model = AlbertForMaskedLM(config)
    small = torch.ao.quantization.quantize_dynamic(
        model, {torch.nn.Linear}, dtype=torch.qint8
    )
    assert small.get_memory_footprint() < 0.32 * model.get_memory_footprint()
