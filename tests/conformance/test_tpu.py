"""Programs compiled for a TPU: they are read right, and the check can fail."""

import json
from importlib.util import find_spec

import pytest

from albert.common import names
from conformance.tpu import __main__ as command
from conformance.tpu import products, records
from conformance.tpu.products import Product
from conformance.tpu.programs import Compiled, Program, inputs_of, wrong
from conformance.tpu.targets import TARGETS

# What libtpu 0.0.42.1 made of tanh(a @ b) for v5e at the highest precision, in parts.
HLO = """HloModule jit__lambda, is_scheduled=true

%bitcast_fusion (bitcast_input: f32[16,24]) -> f32[16,24] {
  %bitcast_input = f32[16,24]{1,0:T(8,128)} parameter(0)
  ROOT %bitcast = f32[16,24]{1,0:T(8,128)} bitcast(%bitcast_input)
}

%fused_computation (param_0.1: f32[16,24], param_1: f32[24,32]) -> f32[16,32] {
  %param_0.1 = f32[16,24]{1,0:T(8,128)} parameter(0)
  %fusion = f32[16,24]{1,0:T(8,128)} fusion(%param_0.1), kind=kLoop, calls=%bitcast_fusion
  %param_1 = f32[24,32]{1,0:T(8,128)S(1)} parameter(1)
  %fusion.1 = f32[24,32]{1,0:T(8,128)} fusion(%param_1), kind=kLoop, calls=%bitcast_fusion.1
  %convolution.1 = f32[16,32]{1,0:T(8,128)} convolution(%fusion, %fusion.1), dim_labels=bf_io->bf, operand_precision={highest,highest}, metadata={op_name="jit(<lambda>)/dot_general" stack_frame_id=2}
  ROOT %tanh.0 = f32[16,32]{1,0:T(8,128)} tanh(%convolution.1), metadata={op_name="jit(<lambda>)/tanh" stack_frame_id=3}
}

ENTRY %main.1 (a.1: f32[16,24], b.1: f32[24,32]) -> f32[16,32] {
  %b.1 = f32[24,32]{1,0:T(8,128)} parameter(1)
  %a.1 = f32[16,24]{1,0:T(8,128)} parameter(0)
  ROOT %convolution_tanh_fusion = f32[16,32]{1,0:T(8,128)} fusion(%a.1, %b.1), kind=kOutput, calls=%fused_computation
}
"""  # noqa: E501
PRECISION = ", operand_precision={highest,highest}"
FLOAT32 = Product(("f32", "f32"), "highest")
ONE, _, CUT, *_ = TARGETS
MEMORY = {"arguments": 2**20, "outputs": 0, "temporary": 2**19, "code": 0}
GOOD = Compiled([FLOAT32], [FLOAT32] * 2, False, {}, MEMORY)


def test_products_of_a_compiled_program():
    assert list(products.compiled_products(HLO)) == [FLOAT32]
    assert not products.is_narrow(HLO)
    assert products.messages(HLO) == {}


@pytest.mark.parametrize(
    ("text", "precision"),
    [
        ("", "default"),
        (", operand_precision={high,high}", "high"),
        (", operand_precision={highest,default}", "highest and default"),
    ],
)
def test_a_lower_precision_is_seen(text, precision):
    (found,) = products.compiled_products(HLO.replace(PRECISION, text))
    assert found == Product(("f32", "f32"), precision)
    assert products.wrong_products([FLOAT32, found], "float32", "highest") == [
        f"1 of 2 products take f32 and f32 at precision {precision}"
    ]


def test_narrow_operands_are_seen():
    narrow = HLO.replace("%fusion.1 = f32", "%fusion.1 = bf16")
    (found,) = products.compiled_products(narrow)
    assert found == Product(("f32", "bf16"), "highest")
    assert products.wrong_products([found], "float32", "highest") == [
        "1 of 1 products take f32 and bf16 at precision highest"
    ]
    assert products.is_narrow(narrow)
    bfloat16 = Product(("bf16", "bf16"), "default")
    # Their products are exact as they are.
    assert products.wrong_products([bfloat16], "bfloat16", "highest") == []
    assert products.wrong_products([bfloat16], "float32", "highest") != []
    assert products.wrong_products([bfloat16], "float32", "high") != []
    # Which rounds them anyway.
    assert products.wrong_products([bfloat16], "float32", "default") == []


def test_no_product_at_all_is_wrong():
    assert products.wrong_products([], "float32", "highest") == [
        "it has no matrix product"
    ]


def test_a_product_that_is_not_understood_is_an_error():
    gone = HLO.replace("%fusion.1 = f32[24,32]", "%other = f32[24,32]")
    with pytest.raises(ValueError, match="the HLO has a product that is not read: "):
        list(products.compiled_products(gone))


def test_products_that_were_asked_for():
    line = (
        "    %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0], "
        "precision = [HIGHEST, HIGHEST] : (tensor<16x24xf32>, tensor<24x32xf32>) -> "
        "tensor<16x32xf32>\n"
    )
    other = line.replace("HIGHEST, HIGHEST", "DEFAULT, HIGH")
    assert list(products.asked_products(line + other)) == [
        FLOAT32,
        Product(("f32", "f32"), "default and high"),
    ]


def test_messages_between_devices():
    text = (
        "  %all-reduce.1 = f32[8]{0} all-reduce(%x), channel_id=1\n"
        "  %s = (f32[8]{0}, f32[8]{0}) all-gather-start(%y), channel_id=2\n"
        "  %d = f32[8]{0} all-gather-done(%s)\n"
    )
    assert products.messages(text) == {"all-gather": 1, "all-reduce": 1}


@pytest.mark.parametrize(
    ("compiled", "target", "says"),
    [
        (GOOD, ONE, []),
        (GOOD._replace(messages={"all-reduce": 2}), CUT, []),
        (GOOD, CUT, ["its devices send each other nothing"]),
        (
            GOOD._replace(messages={"all-reduce": 2}),
            ONE,
            ["its devices send each other all-reduce"],
        ),
        (
            GOOD._replace(narrow=True),
            ONE,
            ["it has arrays that are narrower than float32"],
        ),
        (
            GOOD._replace(asked=[FLOAT32._replace(precision="default")]),
            ONE,
            ["as JAX wrote it: 1 of 1 products take f32 and f32 at precision default"],
        ),
    ],
)
def test_what_is_wrong_with_a_program(compiled, target, says):
    program = Program("AlbertModel", "inference", CUT if target is CUT else ONE)
    assert wrong(program, compiled) == says


def test_every_class_target_and_way_is_there():
    programs = list(records.all_programs())
    assert len(set(programs)) == len(programs) == 6 * 13 + 2 * (7 + 2)
    assert {(one.class_name, one.target) for one in programs} == {
        (name, target) for name in names.PARTS for target in TARGETS
    }
    for one in programs:
        inputs = inputs_of(one)
        assert all(len(array) % 8 == 0 for array in inputs.values())
        assert (one.way == "training") == (len(inputs) > 3)


def _pretend(monkeypatch, compiled, available=True):
    """Let compiling give what is given, in place of libtpu."""
    wanted = [one for one in records.all_programs() if one.class_name == "AlbertModel"]
    chosen = [one for one in wanted if one.target.mesh is None]
    monkeypatch.setattr(records, "all_programs", lambda: iter(chosen[:3]))
    monkeypatch.setattr(records, "available", lambda: available)
    monkeypatch.setattr(records, "describe_tpu", lambda: None)
    monkeypatch.setattr(records, "compile_program", compiled)


def _follows(program):
    kind = "bf16" if program.dtype == "bfloat16" else "f32"
    product = Product((kind, kind), program.precision)
    return GOOD._replace(asked=[product], products=[product])


def test_command_says_compiled_and_never_passed(monkeypatch, capsys, tmp_path):
    _pretend(monkeypatch, _follows)
    assert command.main(["--json", str(tmp_path / "tpu.json")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "flax  AlbertModel inference                       v5e one device     "
        "float32: compiled, not run: 1 f32 x f32 highest; 1.5 MiB\n"
    )
    assert printed.endswith("TPU: compiled, not run: 3 programs\n")
    assert "passed" not in printed
    written = json.loads((tmp_path / "tpu.json").read_text(encoding="utf-8"))
    assert written["verdict"] == "compiled, not run"
    assert [one["asked"] for one in written["programs"]][:1] == ["highest"]
    assert written["programs"][0]["memory"] == MEMORY
    assert "jax" in written["versions"]


def test_command_fails_if_a_product_is_not_what_was_asked(monkeypatch, capsys):
    low = Product(("f32", "f32"), "default")
    _pretend(monkeypatch, lambda program: GOOD._replace(products=[low]))
    assert command.main([]) == 1
    printed = capsys.readouterr().out
    assert "failed: 1 of 1 products take f32 and f32 at precision default" in printed
    assert "TPU: failed: " in printed


def test_command_fails_if_libtpu_does(monkeypatch, capsys):
    def refuse(program):
        raise RuntimeError("no such chip")

    _pretend(monkeypatch, refuse)
    assert command.main([]) == 1
    assert "failed: RuntimeError: no such chip" in capsys.readouterr().out


def test_command_fails_if_there_is_no_program(monkeypatch, capsys):
    _pretend(monkeypatch, _follows)
    monkeypatch.setattr(records, "all_programs", lambda: iter(()))
    assert command.main([]) == 1
    assert capsys.readouterr().out == "TPU: failed: 0 of 0 programs\n"


def test_default_precision_must_not_pass_for_the_highest(monkeypatch):
    _pretend(monkeypatch, lambda program: GOOD)
    found = records.record(records._CONTROL)
    assert found.verdict == "failed"
    assert "default precision passes for the highest" in found.wrong


def test_without_libtpu_nothing_was_run(monkeypatch, capsys):
    _pretend(monkeypatch, _follows, available=False)
    assert command.main([]) == 1
    assert capsys.readouterr().out == (
        "TPU: not run: nothing was compiled for a TPU, since libtpu is not installed: "
        'install it beside the extra "flax", pip install libtpu\n'
    )
    elsewhere = records.compile_elsewhere()
    assert (elsewhere["verdict"], elsewhere["programs"]) == ("not run", [])


def test_another_process_that_ends_early_is_a_failure(monkeypatch):
    monkeypatch.setattr(records, "available", lambda: True)
    monkeypatch.setattr(records.sys, "executable", "false")
    found = records.compile_elsewhere()
    assert (found["verdict"], found["reason"]) == ("failed", "exit 1")


@pytest.mark.skipif(find_spec("libtpu") is None, reason="libtpu is not installed")
def test_compiles():
    """All of it takes minutes: `python -m conformance.tpu`."""
    import subprocess
    import sys

    code = (
        "from conformance.tpu.records import _CONTROL, record\n"
        "from conformance.tpu.targets import describe_tpu\n"
        "describe_tpu()\n"
        "for precision in ('default', 'highest'):\n"
        "    found = record(_CONTROL._replace(precision=precision))\n"
        "    assert found.verdict == 'compiled, not run', found\n"
        "    asked = {name.split()[-1] for name in found.products}\n"
        "    assert asked == {precision}, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
