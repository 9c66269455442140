"""Record what transformers 4.57.6 answers for every call of `calls.py`.

Run from the repository's root, in the environment that `verify_transformers.py` lists
for PyTorch, with `sentencepiece` and `huggingface_hub` as transformers needs them:

    PYTHONPATH=. venv-4.57.6/bin/python -m conformance.tasks.make_goldens [NAME...]

Its own conversion of a SentencePiece model cuts some texts differently
(docs/migration.md, Tokenizers), so that it is given the `tokenizer.json` that this
package writes; the ids of every text are checked against this package's. A call is
refused whose answer hangs on rounding: it must stay the same, but for the scores, when
every logit moves by up to `NOISE`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers  # pyright: ignore[reportMissingImports]

from albert.common.hub import DEMO_NAME
from albert.common.opening import open_checkpoint
from albert.common.saving import save_arrays
from albert.common.tokenization import AlbertTokenizerFast
from conformance.tasks.calls import GROUPS, LONG_TEXTS, Call, Group
from conformance.tasks.checkpoints import FOLDER, write_all

VERSION = "4.57.6"
GOLDENS = FOLDER / "goldens"
FEATURES = 8
"""How many of each token's features are recorded."""
NOISE = 1e-4
_WIDTH = 88
_CLASSES = {
    "multiple-choice": "AlbertForMultipleChoice",
    "sentence-order": "AlbertForPreTraining",
}

Answer = Callable[[Call], Any]


def write_demo(folder: Path) -> None:
    """Write albert-demo with a `tokenizer.json`, which the package does without."""
    demo = open_checkpoint(DEMO_NAME)
    arrays = {name: array.read() for name, array in demo.arrays.items()}
    AlbertTokenizerFast.from_pretrained(DEMO_NAME).save_pretrained(folder)
    save_arrays(folder, demo.config, arrays, "AlbertForPreTraining")


def answering(group: Group, folder: Path) -> tuple[torch.nn.Module, Answer]:
    """Make what answers the calls of a group.

    Args:
        group: the calls.
        folder: of the checkpoint.

    Returns:
        The model, and what gives the answer to a call.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    if group.task in _CLASSES:
        kind = getattr(transformers, _CLASSES[group.task])
        model = kind.from_pretrained(folder, dtype=torch.float32).eval()
        direct = {"multiple-choice": _choose, "sentence-order": _order}[group.task]
        return model, lambda call: direct(model, tokenizer, call.inputs)
    made = transformers.pipeline(
        group.task,
        model=str(folder),
        tokenizer=tokenizer,
        framework="pt",
        device="cpu",
        dtype=torch.float32,
    )

    def answer(call: Call) -> Any:
        pipe = made
        if call.settings:
            pipe = type(made)(
                model=made.model,
                tokenizer=tokenizer,
                framework="pt",
                device="cpu",
                task=group.task,
                **call.settings,
            )
        inputs = [] if call.inputs is None else [call.inputs]
        output = pipe(*inputs, **call.arguments)
        return _features(output) if group.task == "feature-extraction" else output

    return made.model, answer


def _choose(model: Any, tokenizer: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Give the probability of each choice, in the order they were given in."""
    pairs = [[inputs["question"], choice] for choice in inputs["choices"]]
    batch = tokenizer(pairs, padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(**{name: array[None] for name, array in batch.items()}).logits
    return {"scores": logits[0].softmax(-1).tolist()}


def _order(model: Any, tokenizer: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Give the probability that the texts are in order, sop_logits' index 0."""
    with torch.no_grad():
        logits = model(**tokenizer(**inputs, return_tensors="pt")).sop_logits
    return {"score": logits[0].softmax(-1)[0].item()}


def _features(output: Any) -> Any:
    """Keep the shape and the first features of each token."""
    if isinstance(output, list) and isinstance(output[0][0][0], list):
        return [_features(one) for one in output]
    array = np.array(output)
    return {
        "shape": list(array.shape),
        "features": array[..., :FEATURES].round(6).tolist(),
    }


def plain(output: Any) -> Any:
    """Turn numbers of NumPy into Python's; float32 keeps all its digits."""
    if isinstance(output, dict):
        return {name: plain(value) for name, value in output.items()}
    if isinstance(output, (list, tuple)):
        return [plain(value) for value in output]
    if isinstance(output, (float, np.floating)):
        return float(f"{float(output):.9g}")
    return output


def _without_scores(output: Any) -> Any:
    if isinstance(output, dict):
        return {name: _without_scores(value) for name, value in output.items()}
    if isinstance(output, list):
        return [_without_scores(value) for value in output]
    return None if isinstance(output, float) else output


def _noisy(_module: Any, _inputs: Any, output: Any) -> Any:
    for name, logits in output.items():
        if name.endswith("logits"):
            output[name] = logits + NOISE * (2 * torch.rand_like(logits) - 1)
    return output


def check_steady(
    model: torch.nn.Module, answer: Answer, call: Call, right: Any
) -> None:
    """Refuse a call whose answer a little noise changes."""
    hook = model.register_forward_hook(_noisy)
    try:
        for seed in range(3):
            torch.manual_seed(seed)
            found = _without_scores(plain(answer(call)))
            if found != _without_scores(right):
                raise SystemExit(
                    f"{call.name}: the answer hangs on rounding: {right} or {found}"
                )
    finally:
        hook.remove()


def check_ids(folder: Path, group: Group) -> None:
    """Refuse texts that transformers cuts differently from this package."""
    ours = AlbertTokenizerFast.from_pretrained(folder)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    for call in group.calls:
        for text in _texts([call.inputs, dict(call.arguments)]):
            if ours(text)["input_ids"] != theirs(text)["input_ids"]:
                raise SystemExit(f"{call.name}: {text!r} is cut differently")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def record(group: Group, folder: Path) -> dict[str, Any]:
    """Give the calls of a group with their answers, as they are written."""
    check_ids(folder, group)
    model, answer = answering(group, folder)
    calls: list[dict[str, Any]] = []
    for call in group.calls:
        output = plain(answer(call))
        check_steady(model, answer, call, output)
        given = {name: part for name, part in call._asdict().items() if part != {}}
        calls.append(_shortened({**given, "output": output}))
    return {
        "transformers": VERSION,
        "task": group.task,
        "model": group.model,
        "calls": calls,
    }


def _shortened(value: Any) -> Any:
    """Put names in the place of the long texts, in braces."""
    if isinstance(value, dict):
        return {name: _shortened(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_shortened(part) for part in value]
    if isinstance(value, str):
        for name, text in LONG_TEXTS.items():
            value = value.replace(text, f"{{{name}}}")
    return value


def layout(value: Any, indent: str = "") -> str:
    """Write JSON with as much on a line as fits."""
    short = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(short) <= _WIDTH or not isinstance(value, (dict, list)):
        return short
    inner = indent + " "
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(name)}: {layout(part, inner)}" for name, part in value.items()
        ]
        return "{\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}}}"
    parts = [inner + layout(part, inner) for part in value]
    return "[\n" + ",\n".join(parts) + f"\n{indent}]"


def main() -> None:
    """Write the files of answers that are asked for, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="files to write (all)")
    chosen = parser.parse_args().names or list(GROUPS)
    if transformers.__version__ != VERSION:
        raise SystemExit(f"this needs transformers {VERSION}")
    torch.set_num_threads(1)  # the texts are short
    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    GOLDENS.mkdir(parents=True, exist_ok=True)
    texts = json.dumps(LONG_TEXTS, indent=1, ensure_ascii=False)
    (GOLDENS.parent / "texts.json").write_text(texts + "\n", encoding="utf-8")
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for folder in write_all(root):
            AlbertTokenizerFast.from_pretrained(DEMO_NAME).save_pretrained(folder)
        write_demo(root / DEMO_NAME)
        for name in chosen:
            group = GROUPS[name]
            recorded = layout(record(group, root / group.model))
            path = GOLDENS / f"{name}.json"
            path.write_text(recorded + "\n", encoding="utf-8")
            print(f"{path.name}: {len(group.calls)} calls, {len(recorded)} characters")


if __name__ == "__main__":
    main()
