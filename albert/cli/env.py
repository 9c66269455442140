"""`albert env`: versions, devices and precision flags, for reports of problems."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import Any

from albert._version import __version__

_LIBRARIES = (
    "numpy",
    "safetensors",
    "sentencepiece",
    "tokenizers",
    "huggingface_hub",
    "tqdm",
    "h5py",
    "pyarrow",
    "optax",
    "onnx",
    "onnxruntime",
)
_NOT_THERE = "not installed"
_SECONDS = 120
_WIDTH = 30


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "env",
        help="show versions, devices and precision flags",
        description="Show the versions of what is installed, the devices that each "
        "framework sees and the flags that its precision depends on. Nothing names "
        "this computer or its user.",
        epilog="example: albert env --json",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Look and print.

    Args:
        chosen: the command's arguments, as parsed.

    Returns:
        0, whatever is missing or broken.
    """
    found = _facts()
    if chosen.json:
        print(json.dumps(found, indent=2))
        return 0
    for title, facts in found.items():
        print(title)
        for name, value in facts.items():
            shown = ", ".join(value) if isinstance(value, list) else value
            print(f"  {name:{_WIDTH}}{shown}")
    return 0


def _facts() -> dict[str, dict[str, Any]]:
    with ThreadPoolExecutor() as pool:
        frameworks = pool.map(_ask, _PROBES)
        return {
            "albert": {
                "albert": __version__,
                "Python": platform.python_version(),
                "platform": platform.platform(),
                "processors": len(os.sched_getaffinity(0)),
                "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set"),
            },
            "libraries": {name: _version(name) for name in _LIBRARIES},
            **dict(zip(_PROBES, frameworks, strict=True)),
        }


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return _NOT_THERE


def _ask(framework: str) -> dict[str, Any]:
    """Look at a framework in a process of its own, which may greet, hang or crash."""
    path = os.pathsep.join(each for each in sys.path if each)
    environment = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    program = f"from albert.cli import env; env.probe({framework!r})"
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", program],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return _broken(framework, f"it does not answer within {_SECONDS} seconds")
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return _broken(framework, f"it ends Python with status {done.returncode}")


def _broken(framework: str, why: str) -> dict[str, Any]:
    packages, _ = _PROBES[framework]
    return {**{name: _version(name) for name in packages}, "broken": why}


def probe(framework: str) -> None:
    """Print as JSON what there is to say of a framework, in this process.

    Args:
        framework: "pt", "tf" or "flax".
    """
    packages, _ = _PROBES[framework]
    try:
        found = described(framework)
    except Exception as error:
        found = _broken(framework, _without_paths(error))
        if isinstance(error, ModuleNotFoundError) and error.name in packages:
            found = {name: _version(name) for name in packages}
            found[error.name] = _NOT_THERE
    print(f"\n{json.dumps(found)}")


def described(framework: str) -> dict[str, Any]:
    """Give a framework's versions, devices and precision flags, as they are now.

    Args:
        framework: "pt", "tf" or "flax"; it is imported.

    Returns:
        What there is to say, by name.
    """
    packages, look = _PROBES[framework]
    return {**{name: _imported_version(name) for name in packages}, **look()}


def _imported_version(package: str) -> str:
    return str(importlib.import_module(package).__version__)


def _without_paths(error: Exception) -> str:
    """Give an error's first line, without the folders, which may name a user."""
    text = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {re.sub(r'(/[^/ :]+)+/', '', text)}"


def _pytorch() -> dict[str, Any]:
    import torch

    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    devices = ["cpu"]
    if torch.accelerator.is_available():
        kind = str(getattr(torch.accelerator.current_accelerator(), "type", ""))
        devices += [
            f"{kind}:{index}{_gpu_name(torch, kind, index)}"
            for index in range(torch.accelerator.device_count())
        ]
    return {
        "CUDA it was built for": torch.version.cuda or "none",
        "devices": devices,
        "threads": torch.get_num_threads(),
        "threads between operations": torch.get_num_interop_threads(),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "cuda.matmul.allow_tf32": _tried(lambda: cuda.allow_tf32),
        "cudnn.allow_tf32": _tried(lambda: cudnn.allow_tf32),
        "default dtype": str(torch.get_default_dtype()),
    }


def _gpu_name(torch: Any, kind: str, index: int) -> str:
    return f" ({torch.cuda.get_device_name(index)})" if kind == "cuda" else ""


def _tensorflow() -> dict[str, Any]:
    import keras
    import tensorflow as tf

    threads = tf.config.threading
    return {
        "devices": [
            f"{one.name.removeprefix('/physical_device:')}{_details(tf, one)}"
            for one in tf.config.list_physical_devices()
        ],
        "threads": threads.get_intra_op_parallelism_threads() or "as many as it likes",
        "threads between operations": (
            threads.get_inter_op_parallelism_threads() or "as many as it likes"
        ),
        "tensor_float_32": tf.config.experimental.tensor_float_32_execution_enabled(),
        "Keras backend": keras.backend.backend(),
        "Keras floatx": keras.config.floatx(),
        "Keras dtype policy": keras.config.dtype_policy().name,
    }


def _details(tf: Any, device: Any) -> str:
    name = tf.config.experimental.get_device_details(device).get("device_name")
    return f" ({name})" if name else ""


def _jax() -> dict[str, Any]:
    import jax

    config: Any = jax.config
    return {
        "devices": [
            f"{one.platform}:{one.id} ({one.device_kind})" for one in jax.devices()
        ],
        "jax_default_matmul_precision": (
            config.jax_default_matmul_precision or "not set"
        ),
        "jax_enable_x64": config.jax_enable_x64,
    }


def _tried(read: Callable[[], Any]) -> Any:
    """Read a flag; PyTorch refuses if the user has mixed its two ways to set it."""
    try:
        return read()
    except RuntimeError as error:
        return _without_paths(error)


_PROBES: Mapping[str, tuple[tuple[str, ...], Callable[[], dict[str, Any]]]] = {
    "pt": (("torch",), _pytorch),
    "tf": (("tensorflow", "keras"), _tensorflow),
    "flax": (("jax", "jaxlib", "flax"), _jax),
}
