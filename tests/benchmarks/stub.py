"""A worker that computes nothing and says that it took as long as it is told to say."""

from __future__ import annotations

import json
import sys
from typing import Any

from protocol import Calls, Step, serve, texts_of


class _Every(dict[str, Any]):
    """Any call by name."""

    def __init__(self, call: Any) -> None:
        self.call = call

    def __getitem__(self, name: str) -> Any:
        return self.call


def make(options: dict[str, Any]) -> Calls:
    """Make the calls.

    Args:
        options: `seconds` of a call; `broken`, the text of an error that each gives;
            `log`, a file that gets the worker's name at each request.

    Returns:
        A call of every name; its result has the number of texts.
    """

    def call(request: dict[str, Any]) -> Any:
        if "broken" in options:
            raise RuntimeError(options["broken"])
        if "log" in options:
            with open(options["log"], "a", encoding="utf-8") as file:
                file.write(options["name"] + "\n")
        texts = len(texts_of(request)) if "texts" in request else 0

        def step() -> dict[str, Any]:
            held = bytearray(b"x") * (8_000_000 if request.get("memory") else 1)
            del held
            return {"texts": texts, "same": 1.0, "masks": 1, "sure": 1.0, "error": 0.0}

        return step

    return _Every(call)


def _seconds(step: Step) -> float:
    step()
    return json.loads(sys.argv[1]).get("seconds", 0.002)


if __name__ == "__main__":
    serve(make, ("pip",), _seconds)
