"""Every form of checkpoint, from folders and from the hub, in and out of PyTorch."""

import json
import shutil

import pytest
import torch

import albert.pt
from albert.common import names
from albert.common.saving import save_arrays

from ..common.hub_server import BAD_TOKEN, GOOD_TOKEN
from ..common.repositories import (
    CONFIG,
    FILES,
    NAME,
    PRE_TRAINING,
    assert_equal,
    block,
    content,
    example,
    failure,
    of_every_form,
    weights,
    write,
)

STORED_TYPE = {"dtype": "auto"}
CLASSES = tuple(names.PARTS)

every_form = pytest.mark.parametrize("form", FILES)


def class_of(class_name=PRE_TRAINING):
    return getattr(albert.pt, f"{class_name}")


def load(place, class_name=PRE_TRAINING, **options):
    return class_of(class_name).from_pretrained(place, **options)


def held(model):
    """Give a model's weights by canonical name."""
    return {
        row.canonical: to_numpy(model._get_weight(row).detach())
        for row in model.weight_rows()
    }


def to_numpy(tensor):
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


# Folders


@every_form
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_save_and_load_in_every_form(form, dtype, tmp_path):
    right = weights(dtype=dtype)
    save_arrays(tmp_path / "source", CONFIG, right, PRE_TRAINING)
    model = load(tmp_path / "source", dtype=dtype)
    assert_equal(held(model), right)
    model.save_pretrained(tmp_path / "new", format=form)
    assert set(content(tmp_path / "new")) == {"config.json", FILES[form]}
    saved = json.loads((tmp_path / "new" / "config.json").read_text())
    # TensorFlow's stock classes do not know bfloat16.
    stored = "float32" if (form, dtype) == ("tf", "bfloat16") else dtype
    added = {"architectures": [PRE_TRAINING], "dtype": stored}
    assert saved == {**CONFIG.to_dict(), **added}
    again, info = load(tmp_path / "new", output_loading_info=True, **STORED_TYPE)
    assert not any(info.values())
    assert str(again.dtype).endswith(stored)
    assert again.config.to_dict() == saved
    assert_equal(held(again), right)


@pytest.mark.parametrize(
    ("class_name", "form"), list(zip(CLASSES, [*FILES, *FILES], strict=False))
)
def test_every_class(class_name, form, tmp_path):
    right = write(tmp_path / "source", class_name)
    load(tmp_path / "source", class_name).save_pretrained(tmp_path, format=form)
    shutil.rmtree(tmp_path / "source")
    model, info = load(tmp_path, class_name, output_loading_info=True)
    assert not any(info.values())
    assert_equal(held(model), right)


@every_form
def test_save_in_several_files(form, tmp_path):
    right = write(tmp_path / "source")
    model = load(tmp_path / "source")
    new = tmp_path / "new"
    model.save_pretrained(new, format=form, max_shard_size="20KB")
    shards = {path.name for path in new.glob("*-of-*")}
    assert len(shards) > 2
    index = f"{FILES[form]}.index.json"
    assert set(content(new)) == {"config.json", index, *shards}
    assert_equal(held(load(new)), right)
    model.save_pretrained(new, format=form)
    assert set(content(new)) == {"config.json", FILES[form]}
    assert_equal(held(load(new)), right)


@every_form
def test_weight_file_by_its_path(form, tmp_path):
    write(tmp_path, form="safetensors", seed=5)
    right = write(tmp_path / "new", form=form)
    (tmp_path / "new" / FILES[form]).rename(tmp_path / f"x{FILES[form]}")
    assert_equal(held(load(tmp_path / f"x{FILES[form]}")), right)


@every_form
@pytest.mark.parametrize("flag", ["from_pt", "from_tf", "from_flax"])
def test_flags_are_accepted_and_not_needed(form, flag, tmp_path):
    right = write(tmp_path, "AlbertModel", form)
    assert_equal(held(load(tmp_path, "AlbertModel", **{flag: True})), right)


def test_bad_arguments_of_saving(tmp_path):
    write(tmp_path / "source", "AlbertModel")
    model = load(tmp_path / "source", "AlbertModel")
    assert failure(ValueError, model.save_pretrained, tmp_path / "a", format="h5") == (
        "format must be one of safetensors, pt, tf, flax, but is 'h5'."
    )
    text = failure(ValueError, model.save_pretrained, tmp_path / "a", max_shard_size=0)
    assert text.startswith("max_shard_size must be a positive number of bytes or a ")
    assert not (tmp_path / "a").exists()


def test_a_form_that_readers_will_not_take(tmp_path):
    write(tmp_path, "AlbertModel")
    model = load(tmp_path, "AlbertModel")
    model.save_pretrained(tmp_path, format="flax")
    write(tmp_path / "other", "AlbertModel", seed=3)
    other = load(tmp_path / "other", "AlbertModel")
    text = failure(ValueError, other.save_pretrained, tmp_path, format="flax")
    assert "holds model.safetensors, with other weights, which readers" in text


# The hub


@every_form
def test_one_form_of_four_is_downloaded(form, hub, tmp_path):
    saved = of_every_form(tmp_path)
    files = {**content(tmp_path), "README.md": b"", "spiece.model": b"", "a/x.bin": b""}
    for preferred in FILES:
        if preferred == form:
            break
        del files[FILES[preferred]]
    hub.add(NAME, files)
    assert_equal(held(load(NAME)), saved[form])
    assert hub.downloads == sorted(["config.json", FILES[form]])
    assert_equal(held(load(NAME)), saved[form])
    assert len(hub.downloads) == 2


@every_form
def test_several_files_on_the_hub(form, hub, tmp_path):
    right = write(tmp_path, form=form, max_shard_size="20KB")
    hub.add(NAME, {**content(tmp_path), "README.md": b""})
    assert_equal(held(load(NAME)), right)
    assert hub.downloads == sorted(content(tmp_path))


def test_revision_and_subfolder(hub, tmp_path):
    seeds = {"main": 1, "dev": 2, "main a/b": 3, "dev a/b": 4}
    right = {}
    for place, seed in seeds.items():
        right[place] = write(tmp_path / place, "AlbertModel", "tf", seed=seed)
    hub.add(NAME, {"none": b""})
    for branch in ("main", "dev"):
        inner = content(tmp_path / f"{branch} a" / "b")
        files = {
            **content(tmp_path / branch),
            **{f"a/b/{name}": data for name, data in inner.items()},
        }
        hub.repositories[NAME].commit(files, branch)
    for place, arrays in right.items():
        branch, _, subfolder = place.partition(" ")
        model = load(NAME, "AlbertModel", revision=branch, subfolder=subfolder)
        assert_equal(held(model), arrays)
    assert_equal(held(load(NAME, "AlbertModel")), right["main"])
    assert_equal(
        held(load(tmp_path, "AlbertModel", subfolder="main a/b")), right["main a/b"]
    )


def test_token(hub, tmp_path):
    right = write(tmp_path, "AlbertModel")
    hub.add(NAME, content(tmp_path), private=True)
    text = failure(OSError, load, NAME, "AlbertModel")
    assert "if it is private, log in" in text
    failure(OSError, load, NAME, "AlbertModel", token=BAD_TOKEN)
    assert not hub.downloads
    assert_equal(held(load(NAME, "AlbertModel", token=GOOD_TOKEN)), right)


def test_offline_from_the_cache(hub, hub_offline, tmp_path, monkeypatch):
    right = write(tmp_path / "source", "AlbertModel", "flax", max_shard_size="20KB")
    hub.add(NAME, content(tmp_path / "source"))
    load(NAME, "AlbertModel")
    block(monkeypatch)
    assert_equal(held(load(NAME, "AlbertModel", local_files_only=True)), right)
    with hub_offline():
        assert_equal(held(load(NAME, "AlbertModel")), right)
        assert "is not in the cache" in failure(OSError, load, "owner/other")


def test_missing_head_of_a_repository(hub, tmp_path):
    write(tmp_path, "AlbertForMaskedLM", "pt")
    hub.add(NAME, content(tmp_path))
    name = "AlbertForQuestionAnswering"
    with pytest.warns(
        UserWarning, match="has no weights for qa_outputs, whi"
    ) as caught:
        model, info = load(NAME, name, output_loading_info=True)
    assert [warning.filename for warning in caught] == [__file__]
    assert info["missing_keys"] == ["qa_outputs.weight", "qa_outputs.bias"]
    right = weights("AlbertForMaskedLM")
    found = {key: array for key, array in held(model).items() if key in right}
    assert_equal(found, {k: a for k, a in right.items() if k.startswith("albert.")})


def test_repository_without_weights(hub):
    files = {"config.json": CONFIG.to_json_string().encode(), "model.onnx": b""}
    hub.add(NAME, files)
    text = failure(FileNotFoundError, load, NAME)
    assert text.startswith(
        f"{NAME!r} holds no weights in a form that is known: model.s"
    )
    assert not hub.downloads


def test_push_and_load(hub, tmp_path):
    right = write(tmp_path, "AlbertForMaskedLM")
    model = load(tmp_path, "AlbertForMaskedLM")
    address = model.push_to_hub(NAME, token=GOOD_TOKEN, commit_message="Mine")
    commit = hub.repositories[NAME].refs["main"]
    assert address == f"{hub.url}/{NAME}/commit/{commit}"
    assert hub.messages == ["Mine"]
    files = hub.files(NAME)
    assert set(files) == {
        ".gitattributes",
        "README.md",
        "config.json",
        "model.safetensors",
    }
    assert f"`AlbertForMaskedLM`, with {model.num_parameters():,} para" in (
        files["README.md"].decode()
    )
    assert_equal(held(load(NAME, "AlbertForMaskedLM")), right)


def test_push_needs_a_token(hub, tmp_path):
    write(tmp_path, "AlbertModel")
    model = load(tmp_path, "AlbertModel")
    failure(OSError, model.push_to_hub, NAME, token=BAD_TOKEN)
    assert NAME not in hub.repositories


@pytest.mark.parametrize("class_name", CLASSES)
def test_example_of_the_card(class_name, capsys):
    code = compile(example(class_name, "PyTorch"), "example", "exec")
    if class_name in ("AlbertModel", "AlbertForMaskedLM", PRE_TRAINING):
        exec(code, {"__name__": "example"})
    else:
        with pytest.warns(UserWarning, match="has no weights for "):
            exec(code, {"__name__": "example"})
    assert capsys.readouterr().out.endswith("\n")
