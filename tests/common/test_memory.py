"""Loading takes little more memory than the weights, in every framework."""

import subprocess
import sys

import pytest

from albert.common.config import AlbertConfig
from benchmarks.loading import PREFIXES, peak, write_zeros


@pytest.fixture(scope="module")
def xxlarge(tmp_path_factory):
    folder = tmp_path_factory.mktemp("xxlarge")
    write_zeros(folder, AlbertConfig.preset("albert-xxlarge-v2"))
    return folder


@pytest.mark.parametrize("framework", PREFIXES)
def test_peak_while_loading_xxlarge(xxlarge, framework):
    found = peak(framework, str(xxlarge))
    assert 0.9 < found < 1.3


def test_loading_in_pytorch_does_not_import_its_compiler():
    """Which takes longer than the whole rest."""
    code = (
        "import sys; from albert import AlbertForMaskedLM; "
        "AlbertForMaskedLM.from_pretrained('albert-demo'); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
