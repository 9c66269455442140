"""Several legs of a run, each in a process of its own, as many at once as cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from conformance.rows import Leg, NotRun
from conformance.walking import EVERYTHING, Order, walk

# The slowest first, so that no core waits for it in the end.
_SLOWEST = ("tf", "flax", "pt")


def walk_all(orders: Sequence[Order]) -> list[Leg]:
    """Run every order.

    Args:
        orders: what to run; a single one runs in this process.

    Returns:
        What was found, in the same order. A process that dies is a failure of its leg.
    """
    if len(orders) == 1:
        return [walk(orders[0])]
    cores = len(os.sched_getaffinity(0))
    workers = min(cores, len(orders))
    # Threads of processes that share a core wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // workers)))
    # A fresh process each: none sees what another one has set or imported, and one that
    # dies takes no other's result with it.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        futures = {
            order: pool.submit(walk, order) for order in sorted(orders, key=_place)
        }
        return [_leg(futures[order], order) for order in orders]


def _place(order: Order) -> int:
    framework = order.subject.framework
    return _SLOWEST.index(framework) if framework in _SLOWEST else len(_SLOWEST)


def _leg(future: Future[Leg], order: Order) -> Leg:
    one = order.subject
    try:
        return future.result()
    except BrokenProcessPool as error:
        reason = f"its process, or another one beside it, died: {error}"
    leg = Leg(one.framework, one.device)
    leg.not_run.append(
        NotRun(one.framework, one.device, "all", EVERYTHING, reason, True)
    )
    print(f"{one.framework:5} {one.device} FAILED: {reason}", flush=True)
    return leg
