"""`python -m conformance record FILE`: write a run's outputs for another machine.

A record is FILE.npz, the outputs of some cases, and FILE.json, which says what they
were made with. `conformance.comparing` reads it.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from albert._version import __version__
from albert.common.files import atomic_path, write_text
from conformance.backends import PREFIXES, Build
from conformance.cases import Case, all_cases
from conformance.comparing import FORMAT, digest_of
from conformance.differences import in_order
from conformance.flags import strict
from conformance.places import placed, why_absent
from conformance.run import expected
from conformance.subjects import DEVICES, Subject
from conformance.tolerances import FLOAT32
from conformance.walking import environment, unspoiled

_CHOSEN = {
    ("configuration", "three layers"),
    ("configuration", "uneven groups"),
    ("labels", "both"),
    ("labels", "some"),
    ("labels", "one"),
    ("labels", "one label"),
    ("labels", "inside"),
    ("words", "labels at positions"),
}
_OF_THE_BARE_MODEL = {
    ("configuration", "groups and inner blocks"),
    ("configuration", "small embeddings"),
    ("activation", "relu"),
    ("inputs", "left padding"),
    ("inputs", "a row all masked"),
    ("inputs", "embeds"),
    ("inputs", "greatest length"),
}

Arrays = dict[str, np.ndarray]


def recorded_cases() -> list[Case]:
    """Choose few enough cases for a small file: every class, every kind of input."""
    return [
        case
        for case in all_cases()
        if (case.family, case.name) in _CHOSEN
        or (
            case.class_name == "AlbertModel"
            and (case.family, case.name) in _OF_THE_BARE_MODEL
        )
    ]


def fixtures_digest(cases: Sequence[Case]) -> str:
    """Give the SHA-256 of all that goes into cases: settings, weights, inputs.

    Args:
        cases: in order.

    Returns:
        Hexadecimal digits; others as soon as one bit of any case is another.
    """
    found = hashlib.sha256()
    for case in cases:
        settings = json.dumps(case.config.to_dict(), sort_keys=True)
        found.update(f"{case.id}\n{settings}\n{case.training}\n".encode())
        for name, array in [*case.weights().items(), *sorted(case.inputs.items())]:
            found.update(f"{name} {array.dtype} {array.shape}\n".encode())
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def outputs_of(build: Build, cases: Sequence[Case]) -> tuple[Arrays, dict[str, Any]]:
    """Run cases.

    Args:
        build: the implementation.
        cases: what to run.

    Returns:
        Every step's float32 array by "case id/step", and the steps of each case.

    Raises:
        ValueError: an output is missing or not finite, which no record may hold.
    """
    arrays: Arrays = {}
    steps: dict[str, Any] = {}
    for case in cases:
        run = build(case.class_name, case.config, case.weights())
        found = in_order(run(case.inputs, True, case.training))
        wanted = in_order(expected(case))
        if found.keys() != wanted.keys():
            raise ValueError(f"{case.id} gave {list(found)}, but must {list(wanted)}.")
        odd = [name for name, array in found.items() if not np.isfinite(array).all()]
        if odd:
            raise ValueError(f"{case.id} gave {odd[0]} that is not finite.")
        steps[case.id] = list(wanted)
        for name in wanted:
            if name != "last_hidden_state":
                # The last of the hidden states, again.
                arrays[f"{case.id}/{name}"] = np.asarray(found[name], np.float32)
        steps[case.id] = [name for name in wanted if name != "last_hidden_state"]
    return arrays, steps


def write(path: Path, subject: Subject) -> tuple[Path, Path]:
    """Run the chosen cases and write the record.

    Args:
        path: of both files, without their endings.
        subject: what is run.

    Returns:
        The paths of the JSON and the NPZ file.

    Raises:
        ImportError: the framework cannot be imported.
        OSError: the files cannot be written.
        ValueError: the device is not there, or outputs are not finite.
    """
    reason = why_absent(subject.framework, subject.device)
    if reason:
        raise ValueError(reason)
    cases = recorded_cases()
    with placed(subject.framework, subject.device), strict(subject.framework):
        arrays, steps = outputs_of(subject.build(), cases)
        found = environment(subject.framework)
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    facts = {
        "format": FORMAT,
        "fixtures": fixtures_digest(cases),
        "arrays": digest_of(packed.getvalue()),
        "tolerance": FLOAT32,
        "subject": {
            "framework": subject.framework,
            "device": subject.device,
            "dtype": subject.dtype,
        },
        "environment": {
            "albert": __version__,
            "Python": platform.python_version(),
            "platform": platform.platform(),
            "processor": platform.machine(),
            "NumPy": np.__version__,
            **found,
        },
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cases": steps,
    }
    npz_path = path.with_name(path.name + ".npz")
    json_path = path.with_name(path.name + ".json")
    with atomic_path(npz_path) as temporary:
        temporary.write_bytes(packed.getvalue())
    write_text(json_path, json.dumps(facts, indent=1) + "\n")
    return json_path, npz_path


def main(arguments: Sequence[str]) -> int:
    """Write a record and say how large it is.

    Args:
        arguments: of the command line, behind `record`.

    Returns:
        0 if it was written, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m conformance record",
        description="Write a run's outputs, to be compared with another machine's.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="without its ending")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--framework", choices=tuple(PREFIXES))
    which.add_argument("--implementation", metavar="MODULE:CALLABLE")
    parser.add_argument("--device", choices=DEVICES, default="cpu")
    chosen = parser.parse_args(arguments)
    subject = Subject(chosen.framework or chosen.implementation, chosen.device)
    path = chosen.file
    path = path.with_suffix("") if path.suffix in (".json", ".npz") else path
    try:
        with unspoiled():
            written = write(path, subject)
    except (ImportError, OSError, ValueError) as error:
        print(f"cannot record: {error}", file=sys.stderr)
        return 1
    sizes = ", ".join(f"{one} ({one.stat().st_size:,} bytes)" for one in written)
    print(f"wrote {sizes}")
    return 0
