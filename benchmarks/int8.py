"""Item 6: dynamic int8 against our own bfloat16, and how often the answers agree."""

from __future__ import annotations

import json

from benchmarks import forward, mixed
from benchmarks.session import Session
from benchmarks.targets import SAID, Line


def measure(session: Session) -> None:
    """Measure and add the lines.

    Args:
        session: of this run.
    """
    forward.measure(session, "int8")
    number = session.plan.sentences
    texts, source = mixed.corpus(session.data, number, 0)
    file = session.scratch / "sentences.json"
    file.write_text(json.dumps(texts), encoding="utf-8")
    with session.started(["albert-pt"], agreement=True) as workers:
        answer = workers["albert-pt"].ask(
            call="agreement", texts=str(file), warm=1, times=0
        )
    found = answer["result"]
    session.notes["int8 against float32"] = {**found, "sentences": number}
    session.add(
        Line(
            6,
            "int8, same best piece as float32",
            f"{number} texts",
            f"albert-demo {found['same']:.1%}",
            f"{found['masks']} masks in {source}",
            None,
            0.0,
            None,
            SAID,
            f"{found['sure']:.1%} where float32 gives it more than one half",
        )
    )
