"""`albert run`: every way in and out, interruptions, and what is refused."""

import csv
import io
import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import albert
from albert.cli import main
from albert.common.config import AlbertConfig
from albert.common.tasks.pipeline import pipeline
from albert.common.tokenization import AlbertTokenizerFast
from conformance.backends import PREFIXES

ROOT = Path(__file__).parents[2]
ALBERT = [sys.executable, "-m", "albert"]
TEXT = "Plants create [MASK] through a process known as photosynthesis."
TEXTS = [f"The [MASK] of {word} is {word * 2}." for word in ("a", "b", "c", "d", "e")]
NOTICE = (
    "albert: no --model is given, so albert-demo answers, a very small model in the "
    "package\n"
)
RUN = ("run", "--task", "fill-mask", "--framework", "pt")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the command in this process; give status, lines and stderr."""

    def run(*arguments, stdin=b""):
        given = io.TextIOWrapper(io.BytesIO(stdin))
        monkeypatch.setattr(sys, "stdin", given)
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            status = main([*RUN, *arguments])
        printed = capsys.readouterr()
        return status, printed.out.splitlines(), printed.err

    return run


def refused(run, *arguments, stdin=b"", status=2):
    found, lines, errors = run(*arguments, stdin=stdin)
    assert (found, lines) == (status, [])
    return errors.removeprefix(NOTICE)


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    """Small checkpoints with new heads."""
    folder = tmp_path_factory.mktemp("heads")
    config = AlbertConfig(
        vocab_size=8192,
        embedding_size=8,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        initializer_range=0.5,
        id2label={0: "entailment", 1: "neutral", 2: "contradiction"},
    )
    tokenizer = AlbertTokenizerFast.from_pretrained("albert-demo")
    for name in ("SequenceClassification", "QuestionAnswering", "MultipleChoice"):
        model = getattr(albert, f"AlbertFor{name}")(config)
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return folder


def test_the_published_command():
    text = shlex.quote(TEXT)
    program = " ".join(shlex.quote(word) for word in ALBERT)
    command = f"echo -e {text} | {program} run --task fill-mask"
    command += " --model albert-demo --device 0"
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (
        0,
        (
            "albert: --device is 0, the first accelerator, but there is none: the CPU "
            "is used.\n"
        ),
    )
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    assert list(found) == ["text", "answer"]
    assert found["text"] == TEXT
    assert len(found["answer"]) == 5
    assert list(found["answer"][0]) == ["score", "token", "token_str", "sequence"]


@pytest.mark.parametrize("framework", PREFIXES)
def test_every_framework(framework, run):
    status, lines, errors = run(TEXT, "--framework", framework, "--device", "cpu")
    assert (status, errors) == (0, NOTICE)
    _, expected, _ = run(TEXT)
    found, right = json.loads(lines[0]), json.loads(expected[0])
    assert [one["token"] for one in found["answer"]][:2] == [16, 28]
    for one, other in zip(found["answer"], right["answer"], strict=True):
        np.testing.assert_allclose(one.pop("score"), other.pop("score"), atol=1e-4)
    assert found == right


def test_every_way_in_gives_the_same(run, tmp_path):
    rows = [{"text": text} for text in TEXTS]
    as_lines = "".join(f"{text}\n" for text in TEXTS)
    as_json = "".join(f"{json.dumps(row)}\n" for row in rows)
    (tmp_path / "a.txt").write_text(as_lines)
    (tmp_path / "a.jsonl").write_text(as_json)
    with open(tmp_path / "a.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ["text"])
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "a.CSV").write_bytes((tmp_path / "a.csv").read_bytes())
    (tmp_path / "csv").write_bytes((tmp_path / "a.csv").read_bytes())
    status, expected, errors = run(*TEXTS)
    assert (status, errors, len(expected)) == (0, NOTICE, 5)
    assert [json.loads(line)["text"] for line in expected] == TEXTS
    ways = [
        ((), as_lines),
        (("-",), as_lines),
        (("--input", "-"), as_lines),
        (("--input", "a.txt"), ""),
        (("--input", "a.csv"), ""),
        (("--input", "a.CSV"), ""),
        (("--input", "csv", "--input-format", "csv"), ""),
        (("--input", "a.jsonl"), ""),
        (("--input-format", "jsonl"), as_json),
        (("--input-format", "csv"), (tmp_path / "a.csv").read_text()),
        (("--input-format", "jsonl", *as_json.splitlines()), ""),
    ]
    for arguments, stdin in ways:
        assert run(*arguments, stdin=stdin.encode()) == (0, expected, NOTICE)


def test_parquet(run, tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    numbers = [1.5, float("nan"), None, 2.0, 3.0]
    table = pa.table({"words": TEXTS, "number": numbers})
    parquet.write_table(table, tmp_path / "a.parquet")
    status, lines, _ = run("--input", "a.parquet", "--text-column", "words")
    assert status == 0
    rows = [json.loads(line) for line in lines]
    assert [row["words"] for row in rows] == TEXTS
    assert [row["number"] for row in rows] == [1.5, None, None, 2.0, 3.0]
    assert list(rows[0]) == ["words", "number", "answer"]


def test_columns_stay_as_they_are(run):
    row = {"id": 7, "text": TEXTS[0], "tags": ["é", None, {"a": 1.25}]}
    asked = ("--input-format", "jsonl", "--answer-column", "words")
    _, lines, _ = run(*asked, stdin=json.dumps(row).encode())
    found = json.loads(lines[0])
    assert len(found.pop("words")) == 5
    assert found == row
    assert "é" in lines[0]


def test_any_option_of_the_task(run):
    option = (
        "--option",
        'targets=["france", "them"]',
        "--option",
        "tokenizer_kwargs={}",
    )
    _, lines, _ = run("Plants create [MASK].", *option)
    words = [one["token_str"] for one in json.loads(lines[0])["answer"]]
    assert sorted(words) == ["france", "them"]
    _, lines, _ = run("Plants create [MASK].", "--option", "targets=france")
    assert [one["token_str"] for one in json.loads(lines[0])["answer"]] == ["france"]


def test_a_pair_in_two_columns(run, heads, tmp_path):
    (tmp_path / "a.csv").write_text("n,first,second\n1,It rains.,It is wet.\n")
    model = str(heads / "SequenceClassification")
    asked = ("--task", "text-classification", "--model", model, "--input", "a.csv")
    columns = ("--text-column", "first", "--pair-column", "second")
    status, lines, errors = run(*asked, *columns, "--top-k", "3")
    assert (status, errors) == (0, "")
    found = json.loads(lines[0])
    assert found["n"] == "1"
    same = ("--column", "text=first", "--column", "text_pair=second", "--top-k", "3")
    assert run(*asked, *same) == (0, lines, "")
    pipe = pipeline("text-classification", model, framework="pt", device="cpu")
    pair = {"text": "It rains.", "text_pair": "It is wet."}
    for one, other in zip(found["answer"], pipe(pair, top_k=3), strict=True):
        assert one["label"] == other["label"]
        np.testing.assert_allclose(one["score"], other["score"], atol=1e-6)
    alone = pipe("It rains.", top_k=3)
    assert abs(alone[0]["score"] - found["answer"][0]["score"]) > 1e-6


def test_other_tasks(run, heads):
    question = {"question": "Who?", "context": "Ann went out.", "id": 3}
    answer = answered(run, heads / "QuestionAnswering", "question-answering", question)
    span = slice(answer["start"], answer["end"])
    assert question["context"][span] == answer["answer"]
    problem = {"context": "It rains.", "choices": ["Wet.", "Dry."]}
    answer = answered(run, heads / "MultipleChoice", "multiple-choice", problem)
    assert "Wet." in str(answer)
    answer = answered(
        run,
        heads / "SequenceClassification",
        "zero-shot-classification",
        {"sequence": "It rains."},
        *("--candidate-labels", "rain, snow", "--option", "multi-label=true"),
    )
    assert sorted(answer["labels"]) == ["rain", "snow"]
    pair = {"text": "It rains.", "text_pair": "It is wet."}
    answer = answered(run, "albert-demo", "sentence-order", pair)
    assert answer["label"] in ("in_order", "swapped")
    answer = answered(run, "albert-demo", "feature-extraction", {"text": "a"})
    assert np.shape(answer) == (1, 3, 192)
    answer = answered(run, "albert-demo", "sentence-embedding", {"text": "a"})
    assert np.size(answer) == 192


def answered(run, model, task, row, *more):
    given = json.dumps(row)
    asked = ("--task", task, "--model", str(model), "--input-format", "jsonl", *more)
    status, lines, errors = run(*asked, given)
    assert (status, errors) == (0, "")
    found = json.loads(lines[0])
    answer = found.pop("answer")
    assert found == row
    return answer


def test_an_input_that_cannot_be_processed(run, tmp_path):
    (tmp_path / "a.txt").write_text(f"{TEXTS[0]}\n\nNo gap.\n{TEXTS[1]}\n")
    status, lines, errors = run("--input", "a.txt")
    why = "the text must hold [MASK] where a word is to be found, but is 'No gap.'."
    assert (status, len(lines)) == (1, 1)
    assert errors == f"{NOTICE}albert: input 1 (a.txt, line 3): {why}\n"
    status, lines, errors = run("--input", "a.txt", "--skip-errors")
    assert (status, len(lines)) == (0, 3)
    assert json.loads(lines[1]) == {"text": "No gap.", "answer": {"error": why}}
    assert errors == (
        f"{NOTICE}albert: 1 of 3 inputs could not be processed; their answers say why\n"
    )


def test_what_was_read_before_a_damaged_line_is_answered(run):
    stdin = f"{TEXTS[0]}\n{TEXTS[1]}\n\xe9\n".encode("latin-1")
    status, lines, errors = run(stdin=stdin)
    assert (status, len(lines)) == (1, 2)
    assert errors == (
        f"{NOTICE}albert: stdin, line 3: its byte 1 (0xe9) is not UTF-8.\n"
    )


def test_a_text_that_is_cut_is_said_once(run):
    long = f"[MASK] {'word ' * 600}"
    status, lines, errors = run(TEXTS[0], long, long)
    assert (status, len(lines)) == (0, 3)
    assert errors == (
        f"{NOTICE}albert: input 1 is longer than its limit and is cut; so will "
        f"be others that are (this is said once).\n"
    )


def test_no_input(run):
    assert run() == (0, [], f"{NOTICE}albert: there was no input\n")
    assert run("--output", "a.jsonl")[:2] == (0, ["0 answers in 'a.jsonl'"])
    assert Path("a.jsonl").read_bytes() == b""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--top-k", "0"), "argument --top-k: must be a number above 0, but is '0'"),
        (
            ("--option", "top_k"),
            "argument --option: must be NAME=VALUE, but is 'top_k'",
        ),
        (("--model", ""), "argument --model: must be a path or a name, but is empty"),
        (("--dtype", "int8"), "argument --dtype: invalid choice: 'int8'"),
        (("--task", "fill"), "argument --task: invalid choice: 'fill'"),
        (("--batch-size", "-1"), "argument --batch-size: must be a number above 0"),
        (("--resume", "--overwrite"), "argument --overwrite: not allowed with"),
        (("--nothing",), "unrecognized arguments: --nothing"),
    ],
)
def test_arguments_that_are_not_understood(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*RUN, *arguments])
    assert stopped.value.code == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1
    assert errors.endswith("--help)\n")


NER = ("--task", "ner")
QA = ("--task", "question-answering", "--model", "m")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("a", "--option", "top_p=1"),
            (
                "fill-mask has no option 'top_p' (did you mean top_k?); it has top_k, "
                "targets, tokenizer_kwargs."
            ),
        ),
        (
            ("a", "--option", "top_k=true"),
            "top_k must be a whole number of at least 1, but is True.",
        ),
        (
            ("a", "--top-k", "2", "--option", "top_k=3"),
            "the option 'top_k' is given twice.",
        ),
        (
            ("a", *NER),
            (
                "--model must be given: the checkpoint in the package has no head for "
                "token-classification."
            ),
        ),
        (("a", "--revision", "main"), "--revision is for a --model on the hub."),
        (
            ("a", "--task", "zero-shot-classification", "--model", "m"),
            "--candidate-labels must be given for zero-shot-classification.",
        ),
        (
            ("a", "--device", "abacus"),
            (
                "--device must be one device, such as 'auto', 'cpu', 'cuda', 'cuda:1', "
                "'gpu', 'tpu', 'mps' or a number (-1 is the CPU), but is 'abacus': "
                "ALBERT's layers share their weights, which are on one device."
            ),
        ),
        (
            ("a", "--input", "b.txt"),
            "give texts as arguments or --input, not both.",
        ),
        (
            ("--input", "b.tsv"),
            (
                "--input must end in .txt, .csv, .jsonl, .parquet, but is 'b.tsv'; "
                "--input-format says what it is."
            ),
        ),
        (
            ("--input-format", "parquet"),
            "--input-format parquet is for --input FILE.",
        ),
        (("a", "--input-format", "csv"), "--input-format csv is for --input FILE."),
        (
            ("a", "--text-column", "b"),
            (
                "plain text has no columns to name; --input-format says if it is no "
                "plain text."
            ),
        ),
        (
            ("a", "--pair-column", "b"),
            "--pair-column: fill-mask reads one text, not a pair.",
        ),
        (
            ("--input", "b.csv", "--column", "words=b"),
            "fill-mask has no key 'words'; it has text.",
        ),
        (
            ("--input", "b.csv", "--text-column", "c", "--column", "text=b"),
            "the column of 'text' is given twice.",
        ),
        (
            ("a", *QA),
            (
                "an input of question-answering is more than a line: give a table "
                "with the columns question, context, or JSON objects with "
                "--input-format jsonl."
            ),
        ),
        (
            ("--input-format", "jsonl", '{"words": "a", "n": 1}'),
            (
                "argument 1: there is no column 'text' among words, n; --text-column, "
                "--pair-column and --column say which ones to read."
            ),
        ),
        (
            ("--input-format", "jsonl", '{"text": "a"}', "--text-column", "words"),
            (
                "argument 1: there is no column 'words' among text; --text-column, "
                "--pair-column and --column say which ones to read."
            ),
        ),
        (
            ("--input-format", "jsonl", '{"text": "a", "answer": 1}'),
            (
                "argument 1: there is a column 'answer' already; give the answer "
                "another name with --answer-column."
            ),
        ),
        (("a", "--resume"), "--resume and --overwrite are for --output."),
        (("a", "--output", "b.csv"), "--output must end in .jsonl, but is 'b.csv'."),
        (("a", "--output", "b/c.jsonl"), "--output: there is no folder 'b'."),
        (("a", "--output", "folder.jsonl"), "--output: 'folder.jsonl' is a folder."),
        (
            ("--input", "in.jsonl", "--output", "in.jsonl", "--overwrite"),
            "--output and --input are the same file.",
        ),
        (
            ("a", "--output", "in.jsonl"),
            "--output: 'in.jsonl' is there already; --overwrite replaces it.",
        ),
    ],
)
def test_what_cannot_be_asked_for(arguments, message, run, tmp_path):
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "in.jsonl").write_text('{"text": "a [MASK]"}')
    assert refused(run, *arguments) == f"albert: {message}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--input", "b.txt"), "[Errno 2] No such file or directory: 'b.txt'"),
        (("a [MASK]", "--model", "b/c/d"), "'b/c/d' is no "),
        (("--input", "folder.txt"), "[Errno 21] Is a directory: 'folder.txt'"),
    ],
)
def test_what_cannot_be_done(arguments, message, run, tmp_path):
    (tmp_path / "folder.txt").mkdir()
    errors = refused(run, *arguments, status=1)
    assert errors.startswith(f"albert: {message}")
    assert errors.count("\n") == 1


def test_a_framework_that_is_not_installed(run, monkeypatch):
    for name in list(sys.modules):
        if name.partition(".")[0] in ("torch",) or name.startswith("albert.pt"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert refused(run, TEXT, status=1).startswith("albert: AlbertForMaskedLM needs ")


def test_a_device_that_is_full(run, monkeypatch):
    def full(*arguments, **options):
        raise RuntimeError("out of memory\nat line 3")

    monkeypatch.setattr("albert.cli.run.pipeline", full)
    expected = "albert: RuntimeError: out of memory at line 3\n"
    assert refused(run, TEXT, status=1) == expected


def test_a_terminal_without_input(run, monkeypatch):
    class Terminal(io.TextIOWrapper):
        def isatty(self):
            return True

    monkeypatch.setattr(io, "TextIOWrapper", Terminal)
    assert refused(run) == (
        "albert: there is no input: give texts as arguments, --input FILE, or lines on "
        "stdin.\n"
    )
    assert run("-", stdin=TEXT.encode())[0] == 0


def test_tables_on_a_terminal():
    read, write = pty.openpty()
    environment = {**os.environ, "COLUMNS": "70", "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*ALBERT, *RUN, TEXT, "--top-k", "1"],
        env=environment,
        stdout=write,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    # Before the other end is closed, which would drop what is not read yet.
    printed = os.read(read, 10_000).decode()
    os.close(write)
    os.close(read)
    lines = [line.rstrip() for line in printed.splitlines()]
    assert lines[:2] == [TEXT, "  score   token  token_str  sequence"]
    assert lines[2].startswith("  0.3389  16     s          plants creates through")
    assert lines[2].endswith("…")


def test_output_and_resume(run, tmp_path):
    (tmp_path / "a.txt").write_text("\n".join([*TEXTS, "No gap.", *TEXTS]))
    expected = run("--input", "a.txt", "--skip-errors", "--batch-size", "1")[1]
    asked = ("--input", "a.txt", "--output", "b.jsonl", "--batch-size", "1")
    status, lines, errors = run(*asked)
    assert (status, lines) == (1, [])
    assert "input 5 (a.txt, line 6): the text must hold [MASK]" in errors
    names = ["a.txt", "b.jsonl.part", "b.jsonl.part.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert "is there from an interrupted run" in refused(run, *asked)
    other = refused(run, *asked, "--resume", "--top-k", "2")
    assert other.startswith('albert: --resume: options was {} and is now {"top_k": 2};')
    status, lines, errors = run(*asked, "--resume", "--skip-errors")
    assert (status, lines) == (0, ["11 answers in 'b.jsonl'"])
    assert errors.endswith(
        "albert: 1 of 11 inputs could not be processed; their answers say why\n"
    )
    assert (tmp_path / "b.jsonl").read_text().splitlines() == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.jsonl"]
    status, lines, _ = run(*asked, "--resume")
    assert lines == ["'b.jsonl' is whole already; --overwrite writes it anew"]
    assert run(*asked, "--overwrite", "--skip-errors")[0] == 0


def stopped_at(number, how, output):
    """Stop a run, by a signal, that waits for more input; give status and stderr."""
    command = [*ALBERT, *RUN, "--batch-size", "2", "--output", output]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(lines_of(number))
        process.stdin.flush()
        part, until = Path(f"{output}.part"), time.monotonic() + 120
        # Of 71 lines, 70 make whole windows: 2 blocks of 32, and windows of 2 and 4.
        while not (part.exists() and part.read_bytes().count(b"\n") >= number - 1):
            assert time.monotonic() < until
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(how)
        errors = process.stderr.read().decode()
    return process.returncode, errors


def lines_of(number):
    words = ["old", "very small", "green and quite nice to see"]
    return "".join(f"{i} The {words[i % 3]} [MASK].\n" for i in range(number)).encode()


def test_a_run_that_is_killed(run, tmp_path):
    status, _ = stopped_at(71, signal.SIGKILL, "a.jsonl")
    assert status == -signal.SIGKILL
    assert not Path("a.jsonl").exists()
    with open("a.jsonl.part", "ab") as file:
        file.write(b'{"text": "70 The gre')
    asked = ("--batch-size", "2", "--output")
    given = lines_of(100)
    status, lines, _ = run(*asked, "a.jsonl", "--resume", stdin=given)
    assert (status, lines) == (0, ["100 answers in 'a.jsonl', 64 of them from before"])
    assert run(*asked, "b.jsonl", stdin=given)[0] == 0
    assert Path("a.jsonl").read_bytes() == Path("b.jsonl").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.jsonl"]


def test_a_run_that_is_interrupted():
    status, errors = stopped_at(71, signal.SIGINT, "a.jsonl")
    assert status == 130
    assert errors == (
        f"{NOTICE}albert: interrupted; --resume goes on with 'a.jsonl.part'\n"
    )


def test_a_reader_that_has_read_enough():
    program = " ".join(shlex.quote(word) for word in [*ALBERT, *RUN])
    command = f"{program} --batch-size 2 | head -1; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", command],
        env=environment,
        input=lines_of(400),
        capture_output=True,
    )
    assert (done.returncode, done.stderr.decode()) == (0, NOTICE)
    assert done.stdout.count(b"\n") == 1


def test_a_reader_of_errors_that_is_gone():
    command = [*ALBERT, *RUN, "--output", "a.jsonl", TEXT]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        process.stderr.close()
    assert process.returncode == 1
    assert not Path("a.jsonl").exists()


def test_progress(run):
    status, lines, errors = run(*TEXTS, "--progress")
    assert (status, len(lines)) == (0, 5)
    assert "5inputs [" in errors
    assert run(*TEXTS, "--no-progress") == (0, lines, NOTICE)


def test_help_loads_no_framework_and_has_examples():
    program = (
        "import sys; from albert.cli import main\n"
        "try: main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "print({'torch', 'tensorflow', 'jax', 'keras', 'pyarrow'} & sys.modules.keys())"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("\nset()\n")
    assert "| albert run --task fill-mask\n" in done.stdout
    assert "exit status: 0 done" in done.stdout
