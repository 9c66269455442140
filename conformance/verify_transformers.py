"""Open folders with the stock classes of transformers and compare their outputs.

A folder holds a checkpoint (`config.json` and weights), and `golden.npz`: the inputs
of a call and the outputs that somebody says this checkpoint gives. The class is the
one in the configuration's `architectures`, with the framework's prefix. This script
knows nothing of this package; run it in an environment of its own. These worked, with
Python 3.11 (one environment for each line):

    pip install transformers==4.57.6 torch==2.13.0 tensorflow==2.21.0 \
        tf-keras==2.21.0 h5py
    pip install transformers==4.57.6 torch==2.13.0 flax==0.10.4 jax==0.4.38 \
        jaxlib==0.4.38 "numpy<2.3"
    pip install transformers==5.23.0 torch==2.13.0
    pip install transformers==4.30.2 torch==2.13.0 "numpy<2"

    python conformance/verify_transformers.py --framework pt FOLDER...

What the stock classes cannot do, whatever the folder: TensorFlow's of 4.57.6 fail on
every `model.safetensors` with PyTorch's names ("safe_open object is not iterable"), so
that for these the first line is to be run with transformers==4.53.3; Flax's open no
sharded safetensors.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

# Read when the frameworks are imported: TensorFlow's classes need Keras 2.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Python puts this script's folder first, whose google.py would hide the package google
# that TensorFlow imports.
if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
    del sys.path[0]

import numpy as np
import transformers  # pyright: ignore[reportMissingImports]

TOLERANCE = 2e-5
GOLDEN = "golden.npz"
INPUTS = (
    "input_ids",
    "attention_mask",
    "token_type_ids",
    "position_ids",
    "inputs_embeds",
)
PREFIXES = {"pt": "", "tf": "TF", "flax": "Flax"}
_OLD = transformers.__version__.startswith("4.30.")  # float32 and eager, always
_DROPOUT = re.compile(r"dropout(_\d+)?")

Arrays = dict[str, np.ndarray]


class Loaded(NamedTuple):
    """A checkpoint that a stock class has opened.

    Fields:
        run: NumPy inputs by name to the class's outputs by name.
        complaints: what loading reported missing, unexpected or mis-shaped.
    """

    run: Callable[[Arrays], Mapping[str, Any]]
    complaints: list[str]


def load(folder: Path, framework: str) -> Loaded:
    """Open a folder, in float32 and with the eager attention.

    Args:
        folder: with `config.json` and weights that the framework's class reads.
        framework: "pt", "tf" or "flax".

    Returns:
        The model and the complaints of loading it.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    name = PREFIXES[framework] + config["architectures"][0]
    return _LOADERS[framework](folder, getattr(transformers, name))


def _load_pt(folder: Path, model_class: Any) -> Loaded:
    import torch

    known = {"dtype": torch.float32, "attn_implementation": "eager"}
    model, info = model_class.from_pretrained(
        folder, output_loading_info=True, **({} if _OLD else known)
    )
    model.eval()

    def run(inputs: Arrays) -> Mapping[str, Any]:
        tensors = {name: torch.from_numpy(array) for name, array in inputs.items()}
        for name, tensor in tensors.items():
            if not tensor.is_floating_point():
                tensors[name] = tensor.long()
        with torch.no_grad():
            return model(**tensors)

    return Loaded(run, _complaints(info))


def _load_tf(folder: Path, model_class: Any) -> Loaded:
    model, info = model_class.from_pretrained(folder, output_loading_info=True)
    # Keras 2 lists layers without weights, too, under names that count up.
    unexpected = info["unexpected_keys"]
    info["unexpected_keys"] = [n for n in unexpected if not _DROPOUT.fullmatch(n)]
    return Loaded(lambda inputs: model(**inputs, training=False), _complaints(info))


def _load_flax(folder: Path, model_class: Any) -> Loaded:
    # Flax's from_pretrained hands no report back: it only logs.
    listener = _Listener()
    logger = logging.getLogger("transformers.modeling_flax_utils")
    logger.addHandler(listener)
    try:
        model = model_class.from_pretrained(folder)
    finally:
        logger.removeHandler(listener)
    model.params = model.to_fp32(model.params)
    return Loaded(lambda inputs: model(**inputs, train=False), listener.complaints)


_LOADERS = {"pt": _load_pt, "tf": _load_tf, "flax": _load_flax}


class _Listener(logging.Handler):
    """Keeps the warnings about weights that were not used or not found."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.complaints: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message.startswith("Some weights of"):
            self.complaints.append(message.partition("\nYou should")[0])


def _complaints(info: Mapping[str, Any]) -> list[str]:
    return [f"{what}: {sorted(names)}" for what, names in info.items() if names]


def quiet() -> None:
    """Stop transformers' messages; `Loaded.complaints` has what matters."""
    transformers.utils.logging.disable_default_handler()
    # Without any handler Python would print the warnings after all.
    transformers.utils.logging.add_handler(logging.NullHandler())
    transformers.utils.logging.disable_progress_bar()


def outputs(loaded: Loaded, inputs: Arrays) -> Arrays:
    """Run a model: its outputs as float32, by name."""
    found = loaded.run(inputs)
    return {
        name: np.asarray(value, np.float32)
        for name, value in found.items()
        if value is not None
    }


def check(folder: Path, framework: str) -> tuple[float, list[str]]:
    """Compare one folder.

    Args:
        folder: with a checkpoint and `golden.npz`.
        framework: "pt", "tf" or "flax".

    Returns:
        The largest difference, and what else is wrong, a line for each.
    """
    with np.load(folder / GOLDEN) as golden:
        inputs = {name: golden[name] for name in INPUTS if name in golden}
        right = {name: golden[name] for name in golden if name not in INPUTS}
    loaded = load(folder, framework)
    found = outputs(loaded, inputs)
    problems = list(loaded.complaints)
    if not right or found.keys() != right.keys():
        problems.append(f"outputs {sorted(found)}, but recorded {sorted(right)}")
    worst = 0.0
    for name in found.keys() & right.keys():
        if found[name].shape != right[name].shape:
            problems.append(f"{name}: {found[name].shape}, not {right[name].shape}")
        else:
            worst = max(worst, float(np.abs(found[name] - right[name]).max()))
    # Written so that NaN fails, too.
    if not worst <= TOLERANCE:
        problems.append(f"differs by more than {TOLERANCE}")
    return worst, problems


def _attempt(folder: Path, framework: str) -> bool:
    try:
        worst, problems = check(folder, framework)
    except Exception as problem:  # whatever it is, it is this folder's failure
        worst, problems = float("inf"), [f"{type(problem).__name__}: {problem}"]
    print(f"{worst:9.1e}  {'failed' if problems else 'ok':6}  {folder}")
    for problem in problems:
        print("           " + problem.replace("\n", "\n           "))
    return not problems


def main() -> None:
    """Check every folder; exit status 1 if one of them fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--framework", choices=PREFIXES, required=True)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    quiet()
    print(f"transformers {transformers.__version__}, {arguments.framework}")
    passed = [_attempt(folder, arguments.framework) for folder in arguments.folders]
    print(f"{sum(passed)} of {len(passed)} folders agree within {TOLERANCE}")
    sys.exit(not all(passed))


if __name__ == "__main__":
    main()
