"""Both vocabularies and both classes."""

from functools import cache

import pytest

from albert.common.tokenization import AlbertTokenizer, AlbertTokenizerFast

from .rules import DEMO, GOOGLE, Truth

CLASSES = (AlbertTokenizer, AlbertTokenizerFast)


@cache
def truth_of(folder):
    return Truth(folder)


@cache
def load(kind, folder, **settings):
    return kind.from_pretrained(folder, **settings)


@pytest.fixture(params=["demo", "google"])
def folder(request):
    """The folder of a vocabulary."""
    if request.param == "google" and not GOOGLE.is_dir():
        pytest.skip(f"Google's vocabulary is not there: {GOOGLE}")
    return DEMO if request.param == "demo" else GOOGLE


@pytest.fixture
def truth(folder):
    return truth_of(folder)


@pytest.fixture
def pair(folder):
    """The two tokenizers of a vocabulary, not to be changed."""
    return tuple(load(kind, folder) for kind in CLASSES)


@pytest.fixture(params=CLASSES, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


@pytest.fixture
def tokenizer(kind):
    """A fresh tokenizer of each class, with the demo vocabulary."""
    return kind.from_pretrained(DEMO)


@pytest.fixture
def slow():
    return load(AlbertTokenizer, DEMO)


@pytest.fixture
def fast():
    return load(AlbertTokenizerFast, DEMO)
