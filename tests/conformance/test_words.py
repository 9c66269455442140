"""Configuration and tokenizers beside a framework, in a process of their own."""

import subprocess

from conformance import words


def test_the_same_beside_pytorch():
    results = list(words.run("pt"))
    assert [(r.case.name, r.failure) for r in results if not r.passed] == []
    assert {result.case.name for result in results} == {
        "AlbertConfig",
        "AutoConfig",
        "AlbertTokenizer",
        "AlbertTokenizerFast",
        "AutoTokenizer",
        "fast beside slow",
        "pt model's configuration",
        "pt tensors",
    }


def test_texts_are_many_and_awkward():
    every = words.texts()
    assert len(set(every)) > 300
    letters = set("".join(every))
    for letter in ("\x00", "\u200d", "\u1161", "\u0130", "\ufb01", "\u202e", "\u3099"):
        assert letter in letters
    assert any(len(text) > 500 for text in every)


def test_a_difference_is_counted_and_named(monkeypatch):
    given = {"AlbertConfig": {"a": 1, "b": 2}, "AutoTokenizer": [[1]] * 3}
    given |= dict.fromkeys(("AlbertTokenizer", "AlbertTokenizerFast"), [[1]] * 3)
    monkeypatch.setattr(words, "described", lambda: given)
    monkeypatch.setattr(words, "texts", lambda: ["x", "y", "z"])
    printed = (
        '{"AlbertConfig": {"a": 1, "b": 3, "c": 4}, "AutoTokenizer": [[1], [2], [1]]}'
    )
    done = subprocess.CompletedProcess([], 0, stdout=printed, stderr="")
    monkeypatch.setattr(words.subprocess, "run", lambda *_, **__: done)
    found = {r.case.name: (r.error, r.failure) for r in words.run("pt")}
    assert found["AlbertConfig"] == (2.0, "b differs")
    assert found["AutoTokenizer"] == (1.0, "'y' differs")
    assert found["pt tensors"] == (float("inf"), "missing")


def test_a_process_that_fails_is_a_failure(monkeypatch):
    empty: dict = {"AlbertConfig": {}, "AlbertTokenizer": []}
    empty["AlbertTokenizerFast"] = []
    monkeypatch.setattr(words, "described", lambda: empty)
    monkeypatch.setattr(words, "texts", list)
    done = subprocess.CompletedProcess([], 1, stdout="", stderr="no such module")
    monkeypatch.setattr(words.subprocess, "run", lambda *_, **__: done)
    results = list(words.run("pt"))
    failed = {r.case.name: r.failure for r in results if not r.passed}
    assert failed["AlbertConfig"] == failed["pt tensors"] == "no such module"
