"""Seeded defects: proof that the suite can fail.

Each defect is a small change of a backend's source, made while it is imported and
never written to disk. `python -m conformance.mutants` imports every backend with every
defect, runs the suite's cases until one fails that passes without the defect, and
reports a defect that none of them catches.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from conformance import changes
from conformance.backends import PREFIXES, implementation
from conformance.cases import all_cases
from conformance.run import Result, run_cases

_SQUARE = "(lambda a: a.T if a.ndim == 2 and a.shape[0] == a.shape[1] else a)"


CHANGES = "changes"
"""Stands for what `conformance.changes` does."""


class Mutant(NamedTuple):
    """One defect.

    Fields:
        name: what is wrong.
        file: the backend's file that gets it.
        changes: (right, wrong) source text for all frameworks, or one for each that can
            have it.
        first: the class or the name of the cases that are run first, or `CHANGES`; all
            follow.
    """

    name: str
    file: str
    changes: tuple[str, str] | Mapping[str, tuple[str, str]]
    first: str = "AlbertModel"

    def fits(self, framework: str) -> bool:
        """Whether the framework can have it."""
        return not isinstance(self.changes, Mapping) or framework in self.changes

    def change(self, framework: str) -> tuple[str, str]:
        """Give the right and the wrong source text."""
        if isinstance(self.changes, Mapping):
            return self.changes[framework]
        return self.changes


MUTANTS = (
    Mutant(
        "erf form for tanh GELU",
        "activations.py",
        {
            "pt": ('partial(functional.gelu, approximate="tanh")', "functional.gelu"),
            "tf": ("approximate=True, ", ""),
            "flax": ("approximate=True", "approximate=False"),
        },
    ),
    Mutant(
        "epsilon 1e-5",
        "embeddings.py",
        {
            "pt": ("eps=config.layer_norm_eps", "eps=1e-5"),
            "tf": ("epsilon=config.layer_norm_eps", "epsilon=1e-5"),
            "flax": ("epsilon or module.config.layer_norm_eps", "epsilon or 1e-5"),
        },
        first="small embeddings",
    ),
    Mutant(
        "segments ignored",
        "embeddings.py",
        (
            "self.token_type_embeddings(token_type_ids)",
            "self.token_type_embeddings(token_type_ids * 0)",
        ),
    ),
    Mutant(
        "positions counted from 1",
        "embeddings.py",
        {
            "pt": (
                "torch.arange(length, device=device)[None]",
                "torch.arange(1, length + 1, device=device)[None]",
            ),
            "tf": ("table[None, :length]", "table[None, 1 : length + 1]"),
            "flax": ("jnp.arange(length)[None]", "jnp.arange(1, length + 1)[None]"),
        },
    ),
    Mutant(
        "mask ignored",
        "encoder.py",
        ("visible_keys(attention_mask)", "visible_keys(None)"),
        first="right padding",
    ),
    Mutant(
        "a row all masked sees its first token alone",
        "attention.py",
        {
            "pt": (
                "visible | ~visible.any(dim=-1, keepdim=True)",
                "visible | (torch.arange(visible.shape[-1]) == 0)",
            ),
            "tf": (
                "visible | ~tf.reduce_any(visible, axis=-1, keepdims=True)",
                "visible | (tf.range(tf.shape(visible)[-1]) == 0)",
            ),
            "flax": (
                "visible | ~visible.any(axis=-1, keepdims=True)",
                "visible | (jnp.arange(visible.shape[-1]) == 0)",
            ),
        },
        first="a row all masked",
    ),
    Mutant(
        "groups swapped",
        "encoder.py",
        {
            "pt": (
                "in self.config.layer_groups:",
                "in reversed(self.config.layer_groups):",
            ),
            "tf": (
                "in self.config.layer_groups:",
                "in reversed(self.config.layer_groups):",
            ),
            "flax": (
                "self.albert_layer_groups.members",
                "self.albert_layer_groups.members[::-1]",
            ),
        },
        first="two groups",
    ),
    Mutant(
        "the head's own epsilon not used",
        "heads.py",
        {
            "pt": ("eps=config.predictions_eps", "eps=config.layer_norm_eps"),
            "tf": ("epsilon=config.predictions_eps", "epsilon=config.layer_norm_eps"),
            "flax": ("self.config.predictions_eps", "self.config.layer_norm_eps"),
        },
        first="another epsilon in the head",
    ),
    Mutant(
        "square kernels not transposed",
        "pretrained.py",
        {
            "pt": (
                "tensor.to(device, target)",
                f"{_SQUARE}(tensor).to(device, target)",
            ),
            "tf": (
                "transpose=row.kind.transpose",
                "transpose=row.kind.transpose and len(set(array.shape)) > 1",
            ),
            "flax": (
                "read(transpose=row.kind.transpose)",
                "read(row.kind.transpose and len({*arrays[row.canonical].shape}) > 1)",
            ),
        },
    ),
    Mutant(
        "bias of the attention output missing",
        "attention.py",
        {
            "pt": (
                "fast.project(self.dense, context)",
                "(fast.project(self.dense, context) - self.dense.bias)",
            ),
            "tf": (
                "self.dense(context)",
                "(self.dense(context) - self.dense(context * 0))",
            ),
            "flax": (
                "self.dense(context)",
                "(self.dense(context) - self.dense(context * 0))",
            ),
        },
    ),
    Mutant(
        "residual of attention missing",
        "attention.py",
        {
            "pt": ("hidden_states + projected", "projected"),
            "tf": ("rows + projected", "projected"),
            "flax": ("hidden_states + projected", "projected"),
        },
    ),
    Mutant(
        "scores not scaled",
        "attention.py",
        ("(1.0 / math.sqrt(", "(1.0 + 0 * ("),
    ),
    Mutant(
        "pooler takes the second token",
        "models.py",
        ("outputs.last_hidden_state[:, 0]", "outputs.last_hidden_state[:, 1]"),
    ),
    Mutant(
        "ignored labels counted in the mean",
        "losses.py",
        {
            "pt": ("(labels != IGNORE_INDEX).sum()", "(labels != -1).sum()"),
            "tf": ("tf.cast(kept, dtype)", "tf.ones_like(kept, dtype)"),
            "flax": ("kept.sum()", "kept.size"),
        },
        first="some",
    ),
    Mutant(
        "positions taken from the row before",
        "heads.py",
        {
            "pt": (
                "return hidden_states[rows[:, None]",
                "return hidden_states[rows[:, None] - 1",
            ),
            "tf": (
                "tf.gather(hidden_states,",
                "tf.gather(tf.roll(hidden_states, 1, 0),",
            ),
            "flax": (
                "return hidden_states[jnp.arange(len(hidden_states))",
                "return hidden_states[(jnp.arange(len(hidden_states)) - 1)",
            ),
        },
        first="at positions",
    ),
    Mutant(
        "the loss in training divided by all places",
        "losses.py",
        {
            "pt": ("return total / _number(labels)", "return total / labels.numel()"),
            "tf": (
                "return total / _number(labels,",
                "return total / _number(labels * 0,",
            ),
            "flax": ("return total / _number(labels)", "return total / labels.size"),
        },
        first="some labels in training",
    ),
    Mutant(
        "bias of the masked-LM output missing",
        "heads.py",
        {
            "pt": ("self.decoder(narrowed)", "self.decoder(narrowed) - self.bias"),
            "tf": (", transpose_b=True) + bias", ", transpose_b=True)"),
            "flax": (" + bias.astype(dtype)", ""),
        },
        first="AlbertForMaskedLM",
    ),
    Mutant(
        "start and end swapped",
        "models.py",
        ("        start_logits, end_logits = ", "        end_logits, start_logits = "),
        first="AlbertForQuestionAnswering",
    ),
    Mutant(
        "fast: bias of queries, keys and values missing",
        "fast/products.py",
        {
            "pt": (
                "[torch.cat([side.bias for side in sides]),",
                "[torch.cat([side.bias * 0 for side in sides]),",
            ),
        },
    ),
    Mutant(
        "fast: copies of matrices not made anew",
        "fast/packing.py",
        {
            "pt": ("kept is None or not _equal(kept.prints, prints)", "kept is None"),
            "flax": ("tuple(map(id, arrays))", "tuple(one.shape for one in arrays)"),
        },
        first=CHANGES,
    ),
    Mutant(
        "fast: without padding the texts of a batch attend to each other",
        "fast/attention.py",
        {
            "pt": (
                "for number, length in tokens.runs:",
                "for number, length in [(1, sum(tokens.lengths))]:",
            ),
        },
        first="right padding",
    ),
    Mutant(
        "fast: the compiled call does not see the mask",
        "fast/compiled.py",
        {
            "tf": (
                'for name, one in given.items() if name != "way"}',
                'for name, one in given.items() if name not in "way attention_mask"}',
            ),
        },
        first="right padding",
    ),
    Mutant(
        "fast: compiled for another configuration",
        "fast/compiled.py",
        {
            "tf": (
                "self._state is None or not self._state.still_is()",
                "not self._state",
            )
        },
        first=CHANGES,
    ),
    Mutant(
        "fast: a program for another configuration",
        "fast/calls.py",
        {
            "flax": (
                "return module.clone(config=copy.deepcopy(module.config))",
                "return module",
            ),
        },
        first=CHANGES,
    ),
    Mutant(
        "fast: outputs of a longer text cut at the wrong end",
        "fast/lengths.py",
        {
            "flax": (
                "start_index=0, limit_index=length",
                "start_index=1, limit_index=length + 1",
            ),
        },
    ),
    Mutant(
        "fast: a row all masked sees the padding",
        "fast/lengths.py",
        {"flax": ("seen = seen | ~seen.any(axis=-1, keepdims=True)", "")},
        first="a row all masked",
    ),
    Mutant(
        "fast: bias of the products by columns missing",
        "fast/layers.py",
        {
            "flax": (
                'self.packed[name] @ tokens + params["bias"][:, None]',
                "self.packed[name] @ tokens",
            ),
        },
    ),
)


def caught_by(framework: str, mutant: Mutant) -> Result | None:
    """Run the cases on a backend with a defect until one catches it.

    Args:
        framework: "pt", "tf" or "flax".
        mutant: the defect.

    Returns:
        The result that failed where the sound backend passes, or None if there is
        none: the defect was not caught.

    Raises:
        ValueError: the right source text is not in the file.
    """
    with mutated(framework, mutant):
        found = _results(framework, mutant.first)
        caught = next((one for one in found if not one.passed), None)
    if caught is None:
        return None
    # A case that fails anyway proves nothing.
    if caught.case.family == CHANGES:
        controls = changes.run(framework)
    else:
        controls = run_cases(implementation(framework), [caught.case])
    return caught if all(control.passed for control in controls) else None


def _results(framework: str, first: str) -> Iterator[Result]:
    cases = sorted(
        all_cases(), key=lambda case: first not in (case.class_name, case.name)
    )
    if first == CHANGES:
        yield from changes.run(framework)
    yield from run_cases(implementation(framework), cases)


@contextmanager
def mutated(framework: str, mutant: Mutant) -> Iterator[None]:
    """Import a backend anew with a defect; put the sound one back afterwards."""
    package = f"albert.{framework}"
    sound = {
        name: sys.modules[name]
        for name in sys.modules
        if name == package or name.startswith(f"{package}.")
    }
    # The output classes stay: frameworks keep them by name, the last of a name only.
    for name in sound.keys() - {f"{package}.outputs"}:
        del sys.modules[name]
    registered = _keras_classes() if framework == "tf" else {}
    known = dict(registered)
    module = ".".join([package, *Path(mutant.file).with_suffix("").parts])
    finder = _Finder(module, *mutant.change(framework))
    sys.meta_path.insert(0, finder)
    try:
        # Here and not on first use, so that a text that is not found raises.
        importlib.import_module(finder.target)
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.startswith(package)]:
            del sys.modules[name]
        sys.modules.update(sound)
        registered.clear()
        registered.update(known)
        # `import albert.pt` binds the package as an attribute, too.
        parent, _, name = package.rpartition(".")
        if package in sound:
            setattr(sys.modules[parent], name, sound[package])


def _keras_classes() -> dict[str, Any]:
    """Give Keras' own list of the classes that it can load by name."""
    import keras

    return keras.saving.get_custom_objects()


class _Finder:
    """Finds one module, and changes its source on the way."""

    def __init__(self, target: str, right: str, wrong: str) -> None:
        self.target, self.right, self.wrong = target, right, wrong

    def find_spec(
        self, name: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.target:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        if found is None or found.origin is None:
            return None
        loader = _Loader(name, found.origin)
        loader.right, loader.wrong = self.right, self.wrong
        return importlib.util.spec_from_file_location(name, found.origin, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    right = wrong = ""

    def get_code(self, fullname: str) -> Any:
        # Past the cache of compiled files, which must never hold a defect.
        source = Path(self.path).read_text(encoding="utf-8")
        if self.right not in source:
            raise ValueError(f"{self.path} does not hold {self.right!r}")
        return compile(source.replace(self.right, self.wrong), self.path, "exec")


def main(arguments: Sequence[str] | None = None) -> int:
    """Seed every defect and print what became of it.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0 if every defect was caught in every framework, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m conformance.mutants", description=__doc__
    )
    parser.add_argument("--framework", action="append", choices=tuple(PREFIXES))
    survivors = 0
    for framework in parser.parse_args(arguments).framework or PREFIXES:
        for mutant in filter(lambda one: one.fits(framework), MUTANTS):
            caught = caught_by(framework, mutant)
            survivors += caught is None
            by = f"caught by {caught.case.id}" if caught else "NOT CAUGHT"
            print(f"{framework:5} {mutant.name:44} {by}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
