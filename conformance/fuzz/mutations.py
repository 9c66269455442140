"""Seeded damage: to bytes, to what lies behind checksums, to JSON, to folders."""

from __future__ import annotations

import io
import json
import random
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from conformance.fuzz import bundle
from conformance.fuzz.seeds import Seed, all_seeds, zipped

_MARKS = re.compile(
    rb"[ -~]{6,}|PK\x01\x02|PK\x03\x04|PK\x05\x06|TREE|SNOD|HEAP|OHDR|GCOL|\x89HDF"
)
_EXTREMES = (
    *(0, 1, -1, 2, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40),
    *(2**62, 2**63 - 1, 2**63, 2**64 - 1),
)
_DEEP = 200_000


class Link(NamedTuple):
    """A symbolic link in place of a file."""

    target: str


class Folder(NamedTuple):
    """A folder in place of a file."""


Files = dict[str, "bytes | Link | Folder"]


class Input(NamedTuple):
    """What a reader is given.

    Fields:
        reader: a key of `seeds.READERS`.
        label: what was done to which checkpoint.
        files: path in the folder -> content.
        hostile: whether opening it without an error is a fault.
        seed: what it was made of.
    """

    reader: str
    label: str
    files: Files
    hostile: bool
    seed: Seed


def mutated(rng: random.Random, reader: str) -> Input:
    """Make one damaged checkpoint.

    Args:
        rng: decides everything.
        reader: whose checkpoint.

    Returns:
        The input.
    """
    seed = rng.choice(all_seeds()[reader])
    files: Files = dict(seed.files)
    if rng.random() < 0.06:
        change = rng.choice(_FOLDER_CHANGES)
        label = change(rng, files, seed)
        return Input(reader, f"{seed.name}: {label}", files, False, seed)
    targets = seed.targets
    if seed.settings and rng.random() < 0.08:
        targets = seed.settings
    name = rng.choice(targets)
    labels = []
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        content = files[name]
        assert isinstance(content, bytes)
        label, files[name] = _damaged(rng, name, content)
        labels.append(label)
    return Input(reader, f"{seed.name}/{name}: {', '.join(labels)}", files, False, seed)


def _damaged(rng: random.Random, name: str, data: bytes) -> tuple[str, bytes]:
    """Damage one file, often behind its checksums, lengths or quotes."""
    inner = next((make for end, make in _INNER.items() if name.endswith(end)), None)
    if inner is not None and rng.random() < 0.5:
        try:
            return inner(rng, data)
        except Exception:  # what is damaged already may not come apart again
            pass
    return _bytes(rng, data)


def _bytes(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    change = rng.choice(_BYTE_CHANGES)
    return change.__name__.strip("_"), change(rng, data)


def _marks(data: bytes) -> list[int]:
    """Find where structures begin and end: names, signatures, the ends of the file."""
    ends = [end for mark in _MARKS.finditer(data) for end in mark.span()]
    return [0, len(data), *ends]


def _place(rng: random.Random, data: bytes) -> int:
    """Choose a position, mostly where the structure is and not the weights."""
    if rng.random() < 0.25 or not data:
        return rng.randrange(len(data) + 1)
    place = rng.choice(_marks(data)) + rng.choice((0, 0, *range(-24, 25)))
    return min(max(place, 0), len(data))


def _truncate(rng: random.Random, data: bytes) -> bytes:
    return data[: _place(rng, data)]


def _flip(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        place = _place(rng, data)
        if place < len(out):
            out[place] ^= 1 << rng.randrange(8)
    return bytes(out)


def _integer(rng: random.Random, data: bytes) -> bytes:
    width = rng.choice((1, 2, 4, 8))
    value = rng.choice((*_EXTREMES, len(data), len(data) + 1)) % (1 << 8 * width)
    place = _place(rng, data)
    raw = value.to_bytes(width, rng.choice(("little", "big")))
    return data[:place] + raw + data[place + width :]


def _splice(rng: random.Random, data: bytes) -> bytes:
    size = rng.choice((1, 4, 8, 40, 256))
    source, place = _place(rng, data), _place(rng, data)
    over = rng.choice((0, size))
    return data[:place] + data[source : source + size] + data[place + over :]


def _remove(rng: random.Random, data: bytes) -> bytes:
    place = _place(rng, data)
    return data[:place] + data[place + rng.choice((1, 2, 8, 64, 1024)) :]


def _fill(rng: random.Random, data: bytes) -> bytes:
    place, size = _place(rng, data), rng.choice((1, 4, 8, 64, 1024))
    size = min(size, len(data) - place)
    kind = rng.choice((b"\0", b"\xff", b"\x7f", bytes([rng.randrange(256)])))
    return data[:place] + kind * size + data[place + size :]


def _nan(rng: random.Random, data: bytes) -> bytes:
    place = _place(rng, data) // 4 * 4
    size = min(rng.choice((1, 16, 1 << 20)), (len(data) - place) // 4)
    value = struct.pack("<f", rng.choice((float("nan"), float("inf"), -0.0)))
    return data[:place] + value * size + data[place + 4 * size :]


def _lengthen(rng: random.Random, data: bytes) -> bytes:
    more = rng.randbytes(rng.choice((1, 8, 4096)))
    return rng.choice((data + more, more + data, data + data))


_BYTE_CHANGES = (
    *(_truncate, _flip, _flip, _integer, _integer, _splice),
    *(_remove, _fill, _nan, _lengthen),
)


def json_damaged(rng: random.Random, text: bytes) -> tuple[str, bytes]:
    """Change one value or name of JSON, or write one twice."""
    whole = [json.loads(text)]
    places = list(_walk(whole))
    holder, key = rng.choice(places)
    kind = rng.choice(("value", "value", "value", "drop", "twice", "rename", "move"))
    if kind == "value":
        holder[key] = _value(rng, holder[key])
    elif kind == "move":
        other, place = rng.choice(places)
        holder[key] = json.loads(json.dumps(other[place]))
    elif kind == "drop" and holder is not whole:
        del holder[key]
    elif kind == "rename" and isinstance(holder, dict):
        holder[rng.choice((key + "x", key[:-1], "", "../" + key))] = holder.pop(key)
    elif isinstance(holder, dict):
        holder["TWICE"] = holder[key]
    found = json.dumps(whole[0]).replace('"TWICE"', json.dumps(key))
    found = found.replace('"DEEP"', "[" * _DEEP + "]" * _DEEP)
    found = found.replace('"DEEPER"', '{"a":' * _DEEP + "1" + "}" * _DEEP)
    found = found.replace('"DIGITS"', "9" * 5000)
    return f"json {kind} {key!r}", found.encode("utf-8", "surrogatepass")


def _walk(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a value: what holds it, and its key or number."""
    inside = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(inside):
        yield node, key
        if isinstance(value, (dict, list)):
            yield from _walk(value)


def _value(rng: random.Random, old: Any) -> Any:
    texts = ("", "x" * 3000, "\0", "../a", "/etc/passwd", "é\ud800", "DEEP", "DIGITS")
    strange = (None, True, False, [], {}, [[]], {"a": 1}, 1e308, -1e308, 0.5)
    strange = (*strange, float("nan"), float("inf"), "DEEPER")
    if isinstance(old, (int, float)) and rng.random() < 0.6:
        return rng.choice((*_EXTREMES, old + 1, old - 1, old * 2, -old, 10**30))
    return rng.choice((*_EXTREMES, *texts, *strange))


def _safetensors(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """Change the header and keep its length right."""
    size = int.from_bytes(data[:8], "little")
    label, header = json_damaged(rng, data[8 : 8 + size])
    return label, len(header).to_bytes(8, "little") + header + data[8 + size :]


def _zip(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """Damage a part of an archive, or the archive, with its check sums right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    names = sorted(members, key=lambda name: "/data/" in name)
    name = rng.choice((names[0], *names)) if rng.random() < 0.8 else names[0]
    kind = rng.choice(("inside",) * 5 + ("drop", "rename", "empty", "deflate"))
    method = zipfile.ZIP_DEFLATED if kind == "deflate" else zipfile.ZIP_STORED
    label = kind
    if kind in ("inside", "deflate"):
        label, members[name] = _damaged(rng, name, members[name])
    elif kind == "drop":
        del members[name]
    elif kind == "empty":
        members[name] = b""
    else:
        fresh = rng.choice(("../" + name, "/" + name, name + "x", "", names[-1]))
        members[fresh] = members.pop(name)
    return f"in the archive, {name} {label}", zipped(members, method)


def _table(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """Damage the entries of a TensorFlow checkpoint, with its checksums right."""
    from albert.common.checkpoint.tf_table import read_table

    pairs = list(read_table(data).items())
    place = rng.randrange(len(pairs))
    key, value = pairs[place]
    kind = rng.choice(("value", "value", "value", "key", "drop", "twice", "swap"))
    if kind == "value":
        pairs[place] = key, _bytes(rng, value)[1]
    elif kind == "key":
        pairs[place] = _bytes(rng, key)[1], value
    elif kind == "drop":
        del pairs[place]
    elif kind == "twice":
        pairs.insert(place, (key, value))
    else:
        other = rng.randrange(len(pairs))
        pairs[place], pairs[other] = (key, pairs[other][1]), (pairs[other][0], value)
    if rng.random() < 0.8:
        pairs.sort()
    made = bundle.table(pairs, compression=rng.choice((0,) * 9 + (1,)))
    return f"behind checksums, {kind} of {key!r}", made


_INNER: dict[str, Callable[[random.Random, bytes], tuple[str, bytes]]] = {
    ".json": json_damaged,
    ".safetensors": _safetensors,
    ".bin": _zip,
    ".keras": _zip,
    ".index": _table,
}


def _delete(rng: random.Random, files: Files, seed: Seed) -> str:
    name = rng.choice(sorted(files))
    del files[name]
    return f"without {name}"


def _rename(rng: random.Random, files: Files, seed: Seed) -> str:
    name = rng.choice(sorted(files))
    suffix = "." + name.partition(".")[2]
    fresh = rng.choice((name + ".old", "other" + suffix, name.upper(), "." + name))
    files[fresh] = files.pop(name)
    return f"{name} is called {fresh}"


def _swap(rng: random.Random, files: Files, seed: Seed) -> str:
    one, other = rng.choice(sorted(files)), rng.choice(sorted(files))
    files[one], files[other] = files[other], files[one]
    return f"{one} and {other} exchanged"


def _foreign(rng: random.Random, files: Files, seed: Seed) -> str:
    name = rng.choice(sorted(files))
    reader = rng.choice(sorted(all_seeds()))
    donor = rng.choice(all_seeds()[reader])
    theirs = rng.choice(donor.targets)
    files[name] = donor.files[theirs]
    return f"{name} is {theirs} of {reader}"


def _nothing(rng: random.Random, files: Files, seed: Seed) -> str:
    name = rng.choice(sorted(files))
    files[name] = b""
    return f"{name} is empty"


def _no_file(rng: random.Random, files: Files, seed: Seed) -> str:
    name = rng.choice(sorted(files))
    things = (Folder(), Link("nowhere"), Link(name.split("/")[-1]), Link("/dev/zero"))
    files[name] = rng.choice(things)
    return f"{name} is {files[name]}"


def _more(rng: random.Random, files: Files, seed: Seed) -> str:
    """Put files of another checkpoint beside these."""
    reader = rng.choice(sorted(all_seeds()))
    donor = rng.choice(all_seeds()[reader])
    for name in donor.files:
        files.setdefault(name, donor.files[name])
    return f"with the files of {reader}"


_FOLDER_CHANGES = (_delete, _rename, _swap, _foreign, _nothing, _no_file, _more)
