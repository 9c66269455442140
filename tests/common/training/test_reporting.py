import pytest

from albert.common.training.reporting import PLOT_FILE, Reporter, draw

LINES = [
    {"step": 1, "mlm_loss": 4.0, "sop_loss": 0.7},
    {"step": 2, "mlm_loss": 3.5, "sop_loss": 0.6},
    {"step": 2, "eval_mlm_loss": 3.6, "eval_mlm_accuracy": 0.25},
]


def _events(folder):
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for file in sorted((folder / "events").iterdir()):
        data = file.read_bytes()
        while data:
            size = int.from_bytes(data[:8], "little")
            event = Event.FromString(data[12 : 12 + size])
            found += [
                (value.tag, event.step, round(value.simple_value, 4))
                for value in event.summary.value
            ]
            data = data[16 + size :]
    return found


def test_writes_events_and_a_plot(tmp_path):
    reporter = Reporter(tmp_path, 2, quiet=True)
    reporter.start(0)
    for line in LINES:
        reporter.advance(100, 0.5)
        reporter.show(line)
    reporter.finish(LINES)
    found = _events(tmp_path)
    assert ("mlm_loss", 1, 4.0) in found
    assert ("eval_mlm_accuracy", 2, 0.25) in found
    assert ("tokens_per_second", 1, 200.0) in found
    assert (tmp_path / PLOT_FILE).read_bytes().startswith(b"\x89PNG")


def test_the_bar_shows_loss_speed_and_what_is_left(tmp_path, capsys):
    reporter = Reporter(tmp_path, 10, quiet=False)
    reporter.start(4)
    reporter.advance(1000, 0.5)
    reporter.show({"step": 5, "mlm_loss": 2.5})
    reporter.finish([])
    shown = capsys.readouterr().err
    assert "mlm loss 2.500, 2,000 tokens/s" in shown
    assert "5/10" in shown


def test_draws_what_there_is(tmp_path):
    draw([], tmp_path / "none.png")
    draw(LINES, tmp_path / "some.png")
    assert (tmp_path / "none.png").read_bytes() != (tmp_path / "some.png").read_bytes()


def test_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ImportError) as error:
        Reporter(tmp_path, 1)
    assert str(error.value) == (
        'training needs tensorboardX: pip install "albert-models[train]"'
    )
