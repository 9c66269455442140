"""The step that is compiled for a TPU, on the CPU; and which cases there are."""

import jax
import pytest

from albert import AlbertConfig
from benchmarks import tpu


def test_the_step_is_compiled_and_its_memory_known(monkeypatch):
    monkeypatch.setattr(tpu, "TOKENS", 8)
    monkeypatch.setattr(tpu, "SCORED", 2)
    config = AlbertConfig(
        vocab_size=20,
        embedding_size=4,
        hidden_size=8,
        num_attention_heads=2,
        intermediate_size=12,
        num_hidden_layers=1,
        max_position_embeddings=8,
    )
    compiled = tpu.compile_step(config, 2, jax.devices()[:1], recompute=True)
    held = jax.tree.leaves(compiled.args_info)
    floats = [each.shape for each in held if each.dtype == "float32"]
    # Weights and two moments of each, and the rate.
    assert floats.count((20, 4)) == 3
    assert len(floats) % 3 == 1
    assert compiled.memory_analysis().argument_size_in_bytes > 12 * 20 * 4


def test_what_does_not_fit_is_tried_with_less_and_nothing_twice(
    monkeypatch, tmp_path, capsys
):
    tried = []

    def compiled(name, chips, rows, recompute):
        tried.append((chips, rows, recompute))
        case = {"model": name, "chips": chips, "rows": rows, "recompute": recompute}
        if rows > 2 * chips:
            said = "RESOURCE_EXHAUSTED: Ran out of memory. Used 17.5G of 15.75G hbm."
            return {**case, "fits": False, "error": said}
        return {**case, "fits": True, "kept": 2**30, "work": 2**29}

    monkeypatch.setattr(tpu, "_compile", compiled)
    monkeypatch.setattr(tpu, "describe_tpu", lambda: None)
    monkeypatch.setattr(tpu, "find_spec", lambda _: True)
    file = tmp_path / "rows.jsonl"
    given = ["albert-base-v2", "--chips", "4", "--output", str(file)]
    assert tpu.main(given) == 0
    rows = [(4, 32, False), (4, 32, True), (4, 16, True), (4, 8, True)]
    assert tried == rows
    printed = capsys.readouterr().out
    assert printed.splitlines()[-2:] == [
        "| albert-base-v2 | 4 | 16 | yes | | 17.5G needed | no |",
        "| albert-base-v2 | 4 | 8 | yes | 1.00 GiB | 0.50 GiB | yes |",
    ]
    assert len(file.read_text().splitlines()) == 4
    assert tpu.main(given) == 0
    assert tried == rows
    assert capsys.readouterr().out == printed


def test_without_libtpu_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(tpu, "find_spec", lambda _: None)
    assert tpu.main(["albert-base-v2"]) == 0
    assert capsys.readouterr().out == (
        "skipped: nothing was compiled, since libtpu is not installed.\n"
    )


@pytest.mark.parametrize("left", [8, 1])
def test_rows_are_halved(left):
    cases = list(tpu._cases(left))
    assert cases[:2] == [(left, False), (left, True)]
    assert cases[-1] == (1, True)
