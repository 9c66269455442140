"""Which device is meant, on a machine with two GPUs and on one without."""

import pytest

from albert.common.devices import choose_device

PLAIN = {"cpu": ["C"]}
RICH = {"gpu": ["G0", "G1"], "cpu": ["C"]}
ONE = (
    "device must be one device, such as 'auto', 'cpu', 'cuda', 'cuda:1', 'gpu', 'tpu', "
    "'mps' or a number (-1 is the CPU), but is {}: ALBERT's layers share their "
    "weights, which are on one device."
)


@pytest.mark.parametrize("device", [None, "auto", {"": "auto"}])
def test_the_best_device(device):
    assert choose_device(device, RICH) == "G0"
    assert choose_device(device, PLAIN) == "C"


@pytest.mark.parametrize(
    ("device", "found"),
    [
        (-1, "C"),
        (0, "G0"),
        (1, "G1"),
        ("cpu", "C"),
        ("cpu:0", "C"),
        ("cuda", "G0"),
        ("CUDA:1", "G1"),
        ("gpu:1", "G1"),
        ({"": 1}, "G1"),
        ({"": "cpu"}, "C"),
    ],
)
def test_a_device_by_number_or_name(device, found):
    assert choose_device(device, RICH) == found


def test_the_first_accelerator_where_there_is_none():
    with pytest.warns(UserWarning) as caught:
        assert choose_device(0, PLAIN, "device_map") == "C"
    assert str(caught[0].message) == (
        "device_map is 0, the first accelerator, but there is none: the CPU is used."
    )


@pytest.mark.parametrize(
    ("device", "there", "listed"),
    [
        (1, PLAIN, "cpu:0"),
        ("cuda", PLAIN, "cpu:0"),
        ("cuda:2", RICH, "gpu:0, gpu:1, cpu:0"),
        ("tpu", RICH, "gpu:0, gpu:1, cpu:0"),
        ({"": 2}, RICH, "gpu:0, gpu:1, cpu:0"),
    ],
)
def test_a_device_that_is_not_there(device, there, listed):
    with pytest.raises(ValueError) as caught:
        choose_device(device, there)
    assert str(caught.value) == (
        f"device must be a device that is there ({listed}), but is {device!r}."
    )


@pytest.mark.parametrize(
    "device",
    [
        "balanced",
        "sequential",
        "cuda:x",
        "",
        -2,
        1.0,
        True,
        {},
        {"albert": 0, "predictions": 1},
        {"": {"": 0}},
    ],
)
def test_what_is_no_single_device(device):
    with pytest.raises(ValueError) as caught:
        choose_device(device, RICH)
    assert str(caught.value) == ONE.format(repr(device))
