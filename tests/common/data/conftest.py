from functools import cache

import pytest

from albert.common.data import PrepareSettings, prepare
from albert.common.tokenization import AlbertTokenizer

from .corpus import write_corpus


@cache
def demo():
    return AlbertTokenizer.from_pretrained("albert-demo")


@pytest.fixture
def tokenizer():
    """The demo's, not to be changed."""
    return demo()


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """A text file of 60 documents."""
    return write_corpus(tmp_path_factory.mktemp("corpus") / "corpus.txt", 60)


SMALL = PrepareSettings(max_length=24, shard_bytes=6000, seed=3)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory, corpus):
    """A folder with several shards that are not to be changed."""
    folder = tmp_path_factory.mktemp("dataset") / "shards"
    prepare([corpus], folder, demo(), SMALL, workers=1)
    return folder


@pytest.fixture(scope="session")
def static(tmp_path_factory, corpus):
    """The same with masks in it."""
    folder = tmp_path_factory.mktemp("static") / "shards"
    settings = PrepareSettings(max_length=24, static=True, dupe_factor=2)
    prepare([corpus], folder, demo(), settings, workers=1)
    return folder
