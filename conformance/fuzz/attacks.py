"""Checkpoints made by hand to do harm; each of them must be refused."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from conformance.fuzz import bundle
from conformance.fuzz.mutations import Files, Folder, Link
from conformance.fuzz.seeds import Seed, weights_h5, zipped

Make = Callable[[Seed, Path], Files]


class Attack(NamedTuple):
    """One way to do harm.

    Fields:
        reader: a key of `seeds.READERS`.
        name: what it is.
        make: `make(seed, outside)` gives the files; `outside` is a folder that no
            reader may touch.
    """

    reader: str
    name: str
    make: Make


def _all() -> Iterator[Attack]:
    for makers in (_indexes, _pickles, _safetensors, _hdf5, _msgpack, _keras, _tables):
        yield from makers()
    yield from _configs()


def _replaced(name: str, content: bytes | Link | Folder) -> Make:
    return lambda seed, outside: {**seed.files, name: content}


# Indexes of shards that name files elsewhere.

_SHARDED = ("safetensors-sharded", "bin-sharded", "h5-sharded", "msgpack-sharded")
_ELSEWHERE = (
    *("../outside/shard", "{outside}/shard", "..", ".", "", "/etc/passwd"),
    *("/dev/zero", "/proc/self/mem", "~/shard", "file:///etc/passwd", "a\0b"),
    *("..\\outside\\shard", "C:\\shard", "x/../../outside/shard", "\u202e", "x" * 300),
)


def _indexes() -> Iterator[Attack]:
    for reader in (*_SHARDED, "keras-hub-sharded"):
        for name in _ELSEWHERE:
            yield Attack(reader, f"a shard at {name[:20]!r}", _naming(name))
        yield Attack(reader, "an index of itself", _naming("{index}"))
        yield Attack(reader, "a list of shards", _naming(["a", "b"]))
        yield Attack(reader, "a shard that is a number", _naming(5))
        yield Attack(reader, "a shard that is a device", _shard_is(Link("/dev/zero")))
        yield Attack(reader, "a shard that is a folder", _shard_is(Folder()))
        yield Attack(reader, "a shard that is not there", _shard_is(Link("nowhere")))


def _index(seed: Seed) -> str:
    return next(name for name in seed.targets if name.endswith(".json"))


def _naming(name: Any) -> Make:
    """Put a whole shard elsewhere, and name it in the index."""

    def make(seed: Seed, outside: Path) -> Files:
        index = json.loads(seed.files[_index(seed)])
        first = next(iter(index["weight_map"].values()))
        first = first[0] if isinstance(first, list) else first
        (outside / "shard").write_bytes(seed.files[first])
        shown = name
        if isinstance(name, str):
            shown = name.format(outside=outside, index=_index(seed))
        for key, value in index["weight_map"].items():
            if value in (first, [first]):
                index["weight_map"][key] = shown
        return {**seed.files, _index(seed): json.dumps(index).encode()}

    return make


def _shard_is(thing: Link | Folder) -> Make:
    def make(seed: Seed, outside: Path) -> Files:
        shard = next(name for name in seed.targets if not name.endswith(".json"))
        return {**seed.files, shard: thing}

    return make


# Pickles.


class _Call:
    """Calls a function when a pickle makes it again."""

    def __init__(self, function: Any, *arguments: Any):
        self._call = (function, arguments)

    def __reduce__(self) -> Any:
        return self._call


_HARM: dict[str, Callable[[Path], Any]] = {
    "os.system": lambda at: _Call(os.system, f"touch {at / 'touched'}"),
    "exec": lambda at: _Call(exec, f"open({str(at / 'touched')!r}, 'w')"),
    "eval": lambda at: _Call(eval, f"open({str(at / 'touched')!r}, 'w')"),
    "open": lambda at: _Call(open, str(at / "touched"), "w"),
    "np.load": lambda at: _Call(np.load, str(at / "shard")),
    "a huge bytearray": lambda at: _Call(bytearray, 1 << 40),
    "getattr": lambda at: _Call(getattr, "text", "upper"),
}


def _pickles() -> Iterator[Attack]:
    for harm, make in _HARM.items():
        for protocol in (2, 4):
            name = f"{harm} in protocol {protocol}"
            yield Attack("bin", name, _pickled(make, protocol, True))
            yield Attack("bin-old", name, _pickled(make, protocol, False))
        yield Attack("bin-sharded", f"{harm} in a shard", _pickled(make, 2, True))
    deep = b"\x80\x02" + b"(" * 100_000
    bomb = b"\x80\x02N" + b"".join(b"\x85q%ch%c\x86" % (n, n) for n in range(100))
    doubling = b"\x80\x02]" + b"".join(
        b"q%c]h%ca" % (i, i) + b"h%ca" % i for i in range(60)
    )
    for name, data in (("deep marks", deep), ("tuples", bomb), ("lists", doubling)):
        yield Attack("bin-old", name, _replaced("pytorch_model.bin", data + b"."))
        yield Attack("bin", name, _with_index(data + b"."))
    yield Attack("bin", "a compressed bomb", _zip_bomb)
    yield Attack("bin-old", "a tar archive", _replaced("pytorch_model.bin", _tar()))


def _pickled(harm: Callable[[Path], Any], protocol: int, zipped_form: bool) -> Make:
    def make(seed: Seed, outside: Path) -> Files:
        import torch

        held = io.BytesIO()
        torch.save(
            {"albert.pooler.bias": torch.ones(3), "harm": harm(outside)},
            held,
            pickle_protocol=protocol,
            _use_new_zipfile_serialization=zipped_form,
        )
        name = next(name for name in seed.targets if name.endswith(".bin"))
        return {**seed.files, name: held.getvalue()}

    return make


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _with_index(index: bytes) -> Make:
    def make(seed: Seed, outside: Path) -> Files:
        members = _members(seed.files["pytorch_model.bin"])
        name = next(name for name in members if name.endswith("data.pkl"))
        archive = zipped({**members, name: index})
        return {**seed.files, "pytorch_model.bin": archive}

    return make


def _zip_bomb(seed: Seed, outside: Path) -> Files:
    members = _members(seed.files["pytorch_model.bin"])
    last = max(members, key=lambda name: len(members[name]))
    members[last] = bytes(1 << 26)
    archive = zipped(members, zipfile.ZIP_DEFLATED)
    return {**seed.files, "pytorch_model.bin": archive}


def _tar() -> bytes:
    import tarfile

    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            data = pickle.dumps(_Call(os.system, "touch touched"))
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return held.getvalue()


# Headers and frames.


def _safetensors() -> Iterator[Attack]:
    def file(header: bytes, data: bytes = b"", size: int | None = None) -> Make:
        length = len(header) if size is None else size
        raw = struct.pack("<Q", length) + header + data
        return _replaced("model.safetensors", raw)

    def tensors(*entries: str) -> Make:
        return file(("{" + ",".join(entries) + "}").encode(), bytes(8))

    one = '"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
    huge = '"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}'
    empty = '"a":{"dtype":"F32","shape":[0,1099511627776],"data_offsets":[0,0]}'
    for name, make in {
        "a header of 2**63 bytes": file(b"{}", size=2**63),
        "a header of 2**31 bytes": file(b"{}", size=2**31),
        "deep lists": file(b"[" * 5_000_000),
        "deep objects": file(b'{"a":' * 500_000),
        "a tensor twice": tensors(one, one),
        "a huge shape": tensors(huge),
        "a huge empty shape": tensors(empty),
        "a shape that wraps": tensors(huge.replace("4]", "4,4,4]")),
        "negative offsets": tensors(one.replace("[0,8]", "[-8,0]")),
        "overlap": tensors(one, one.replace('"a"', '"b"')),
        "a million names": tensors(
            *(one.replace("a", f"n{n}", 1) for n in range(9999))
        ),
    }.items():
        yield Attack("safetensors", name, make)


def _msgpack() -> Iterator[Attack]:
    good = b"\xc7\x11\x01\x93\x91\x01\xa7float32\xc4\x04" + bytes(4)
    huge = b"\xce\xff\xff\xff\xff"
    shape = b"\xc7\x16\x01\x93\x92" + huge + huge + b"\xa7float32\xc4\x00"
    for name, data in {
        "deep dictionaries": b"\x81\xa1a" * 1_000_000,
        "deep lists": b"\x81\xa1a" + b"\x91" * 1_000_000,
        "a dictionary of 2**32": b"\xdf\xff\xff\xff\xff",
        "a list of 2**32": b"\x81\xa1a\xdd\xff\xff\xff\xff",
        "an extension of 2**32": b"\x81\xa1a\xc9\xff\xff\xff\xff\x01",
        "extensions in extensions": b"\x81\xa1a"
        + b"\xc9\xff\xff\xff\x00\x01" * 100_000,
        "bytes of 2**32": b"\x81\xa1a\xc6\xff\xff\xff\xff",
        "a name of 2**32": b"\x81\xdb\xff\xff\xff\xff",
        "a name twice": b"\x82\xa1a" + good + b"\xa1a" + good,
        "a huge shape": b"\x81\xa1a" + shape,
        "an unknown extension": b"\x81\xa1a\xd4\x63\x00",
        "a time stamp": b"\x81\xa1a\xd6\xff\x00\x00\x00\x00",
        "a million empty dictionaries": b"\xde\xff\xff"
        + b"".join(b"\xa4%04x\x80" % n for n in range(65535)),
    }.items():
        yield Attack("msgpack", name, _replaced("flax_model.msgpack", data))


# HDF5.


def _hdf5() -> Iterator[Attack]:
    import h5py

    where = "albert/embeddings/word_embeddings/vars/0"

    def instead(make: Callable[[Any], Any]) -> Callable[[Any], None]:
        def change(file: Any) -> None:
            del file[where]
            made = make(file)
            if made is not None:
                file[where] = made

        return change

    def stored_elsewhere(file: Any) -> None:
        place = [("../outside/shard", 0, 4 * 101 * 5)]
        file.create_dataset(where, (101, 5), "f4", external=place)

    def virtual(file: Any) -> None:
        layout = h5py.VirtualLayout((101, 5), "f4")
        layout[:] = h5py.VirtualSource("../outside/shard", "a", (101, 5))
        file.create_virtual_dataset(where, layout)

    def bomb(file: Any) -> None:
        file.create_dataset(
            where, data=np.zeros(1 << 22, "f4"), compression="gzip", chunks=(1 << 20,)
        )

    def never_written(file: Any) -> None:
        file.create_dataset(where, (1 << 40,), "f4", chunks=(1 << 20,))

    def deep(file: Any) -> None:
        file["/".join("a" * 3000)] = np.ones(1, "f4")

    def cycle(file: Any) -> None:
        file["albert/round"] = file["/"]

    def lzf(file: Any) -> None:
        file.create_dataset(where, data=np.ones((101, 5), "f4"), compression="lzf")

    def reference(file: Any) -> None:
        file[where] = np.array([file.ref], h5py.ref_dtype)

    for name, change in {
        "a soft link": instead(lambda file: h5py.SoftLink("/albert/pooler")),
        "a link to nowhere": instead(lambda file: h5py.SoftLink("/nowhere")),
        "a link to itself": instead(lambda file: h5py.SoftLink("/" + where)),
        "another file": instead(
            lambda file: h5py.ExternalLink("../outside/shard", "a")
        ),
        "an absolute file": instead(lambda file: h5py.ExternalLink("/etc/passwd", "/")),
        "values in another file": instead(stored_elsewhere),
        "values in another dataset": instead(virtual),
        "a compressed bomb": instead(bomb),
        "values never written": instead(never_written),
        "a deep path": deep,
        "a cycle": cycle,
        "a filter of a plugin": instead(lzf),
        "references": instead(reference),
    }.items():
        yield Attack("weights-h5", name, _changed_h5(change))
        yield Attack("keras", name, _changed_keras(change))


def _changed_h5(change: Callable[[Any], None]) -> Make:
    def make(seed: Seed, outside: Path) -> Files:
        return {**seed.files, seed.targets[0]: weights_h5(change)}

    return make


def _changed_keras(change: Callable[[Any], None]) -> Make:
    def make(seed: Seed, outside: Path) -> Files:
        members = _members(seed.files["model.keras"])
        members["model.weights.h5"] = weights_h5(change)
        return {"model.keras": zipped(members)}

    return make


# Archives of Keras.


def _keras() -> Iterator[Attack]:
    for name in ("config.json", "model.weights.h5"):
        yield Attack("keras", f"a bomb of {name}", _packed(name))
    for name, size in (("small", 100), ("huge", 2**32 - 2)):
        yield Attack("keras", f"a {name} size that lies", _lying(size))
    yield Attack("keras", "only a path outside", _renamed("../model.weights.h5"))
    yield Attack("keras", "only an absolute path", _renamed("/model.weights.h5"))


def _packed(name: str) -> Make:
    """Put much that compresses to little behind what a file holds."""

    def make(seed: Seed, outside: Path) -> Files:
        members = _members(seed.files["model.keras"])
        members[name] += b" " * (1 << 26)
        return {"model.keras": zipped(members, zipfile.ZIP_DEFLATED)}

    return make


def _renamed(name: str) -> Make:
    def make(seed: Seed, outside: Path) -> Files:
        members = _members(seed.files["model.keras"])
        members[name] = members.pop("model.weights.h5")
        return {"model.keras": zipped(members)}

    return make


def _lying(size: int) -> Make:
    """Tell another size than the packed weights have."""

    def make(seed: Seed, outside: Path) -> Files:
        members = _members(seed.files["model.keras"])
        members["model.weights.h5"] += bytes(1 << 22)
        data = bytearray(zipped(members, zipfile.ZIP_DEFLATED))
        place = data.rindex(b"PK\x01\x02")
        data[place + 24 : place + 28] = struct.pack("<I", size)
        return {"model.keras": bytes(data)}

    return make


# TensorFlow's tables.


def _tables() -> Iterator[Attack]:
    header, zeros = (b"", bundle.header()), bytes(4)
    good = bundle.entry((1,), 0, zeros)

    def pairs(*entries: tuple[bytes, bytes], first: bytes = header[1]) -> Make:
        return _replaced(
            "model.ckpt-best.index", bundle.table([(b"", first), *entries])
        )

    snappy = bundle.number(1 << 30) + b"\0a" + b"\xfe\x01\x00" * 1000
    for name, make in {
        "two billion shards": pairs((b"a", good), first=bundle.header(2**31)),
        "a shard out of range": pairs((b"a", bundle.entry((1,), 0, zeros, shard=9))),
        "a name twice": pairs((b"a", good), (b"a", good)),
        "shared bytes": pairs((b"a", good), (b"b", good)),
        "a huge shape": pairs((b"a", bundle.entry((2**62, 4), 0, zeros))),
        "a negative offset": pairs((b"a", bundle.entry((1,), -4, zeros))),
        "a huge offset": pairs((b"a", bundle.entry((1,), 2**62, zeros))),
        "a huge size": pairs((b"a", bundle.entry((2**38,), 0, zeros, size=2**40))),
        "a long value": pairs((b"a", bytes(1 << 22))),
        "a block that grows": _replaced(
            "model.ckpt-best.index", bundle.table([(b"", snappy)], compression=1)
        ),
    }.items():
        yield Attack("google", name, make)


# Settings.


def _configs() -> Iterator[Attack]:
    def setting(**changes: Any) -> Make:
        def make(seed: Seed, outside: Path) -> Files:
            values = {**json.loads(seed.files["config.json"]), **changes}
            return {**seed.files, "config.json": json.dumps(values).encode()}

        return make

    def text(data: bytes) -> Make:
        return _replaced("config.json", data)

    huge = 2**31
    for name in ("num_hidden_groups", "inner_group_num"):
        many = {name: huge, "num_hidden_layers": huge}
        yield Attack("config", f"{name} of 2**31", setting(**many))
    yield Attack("config", "labels of 2**31", setting(num_labels=huge, id2label=None))
    yield Attack("config", "a width of 2**63", setting(hidden_size=2**63))
    yield Attack("config", "a vocabulary of 2**63", setting(vocab_size=2**63))
    yield Attack("config", "deep lists", text(b'{"a":' + b"[" * 1_000_000))
    yield Attack(
        "config", "many digits", text(b'{"vocab_size":' + b"9" * 10_000 + b"}")
    )
    yield Attack("config", "not UTF-8", text(b'{"a": "\xff\xfe"}'))
    yield Attack(
        "config", "a code to be run", setting(auto_map={"x": "y"}, model_type=1)
    )
    yield Attack("config", "a device", _device)


def _device(seed: Seed, outside: Path) -> Files:
    return {**seed.files, "config.json": Link("/dev/zero")}


ATTACKS = tuple(_all())
"""In the order of their numbers."""
