from albert.common.training.scaling import LossScale


def test_only_float16_is_scaled():
    for precision in ("float32", "bfloat16"):
        scale = LossScale.of(precision)
        for finite in (True, False):
            scale.update(finite)
        assert scale.value == 1
        assert not scale.may_skip


def test_halves_and_doubles():
    scale = LossScale(8.0, patience=3)
    scale.update(False)
    assert (scale.value, scale.good) == (4.0, 0)
    for _ in range(2):
        scale.update(True)
    assert (scale.value, scale.good) == (4.0, 2)
    scale.update(True)
    assert (scale.value, scale.good) == (8.0, 0)


def test_gives_up_at_last():
    scale = LossScale.of("float16")
    halved = 0
    while scale.may_skip:
        scale.update(False)
        halved += 1
    assert halved == 29
