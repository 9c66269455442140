"""The peak of a process's memory while something runs. Standard library only."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
import time
from collections.abc import Callable
from typing import Any

PAGE = os.sysconf("SC_PAGE_SIZE")

_MAP = -3
"""Of `mallopt`: from how many bytes on a block does not come from a heap."""
_LARGE = 128 * 2**10


def peak_of(step: Callable[[], Any]) -> int:
    """Run something; give the peak of this process's memory during it.

    Args:
        step: what runs. What it gives counts, because it is held until the end.

    Returns:
        Bytes beyond what the process held before.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    start = resident()
    watch = _watched_by_the_system if _forget_the_peak() else _watched_by_a_thread
    return max(watch(step) - start, 0)


def no_heaps() -> None:
    """Let large blocks come from the system and go back to it at once, from now on.

    Heaps have holes between their blocks, of which a peak would count more or fewer by
    chance, about as much as the blocks. And those of other threads than the first keep
    what a run before used, so that the peak of the next would be next to nothing. It
    must be called before a heap has large holes: they are filled first.
    """
    ctypes.CDLL(None).mallopt(_MAP, _LARGE)


def resident() -> int:
    """Give the bytes of memory that this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE


def _forget_the_peak() -> bool:
    """Whether the system lets this process measure its peak anew."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        return False
    return True


def _watched_by_the_system(step: Callable[[], Any]) -> int:
    held = step()
    with open("/proc/self/status") as file:
        words = next(line for line in file if line.startswith("VmHWM")).split()
    del held
    return int(words[1]) * 1024


def _watched_by_a_thread(step: Callable[[], Any]) -> int:
    """Look every millisecond."""
    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, resident())
            time.sleep(0.001)

    thread = threading.Thread(target=watch)
    thread.start()
    held = step()
    done.set()
    thread.join()
    peak = max(peak, resident())
    del held
    return peak
