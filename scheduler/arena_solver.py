"""Offsets by constraint solving: rectangles at free heights that may not overlap, in OR-tools.

It is an extra, and `compile` never uses it by itself: its search is bounded by time, so what it
finds where time runs out depends on the machine.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from dataflow.errors import CompileError
from scheduler.arena_search import Found

if TYPE_CHECKING:
    from scheduler.arena_fits import Blocks

__all__ = ["check_solver", "solve"]

_WORKERS = 2


def check_solver() -> None:
    """Refuse to go on without OR-tools.

    Raises
    ------
    CompileError
        It isn't installed.
    """
    if find_spec("ortools") is None:
        msg = ("the solver is OR-tools, which is not installed: "
               "pip install 'dataflow-runtime[solver]'")  # fmt: skip
        raise CompileError(msg)


def solve(blocks: Blocks, capacity: int, seconds: float) -> Found:
    """Look for offsets with which all blocks end at or below a capacity.

    Parameters
    ----------
    blocks : Blocks
        Sizes above 0.
    capacity : int
        In the unit of the sizes.
    seconds : float
        When to stop.

    Returns
    -------
    Found
        ``is_exhausted`` is proved: no placement has this capacity then. Where the numbers are
        beyond what OR-tools adds up, nothing was tried, and nothing timed out.
    """
    from ortools.sat.python import cp_model

    if int(blocks.size.max()) > capacity:
        return Found(None, is_exhausted=True, work=0)
    model = cp_model.CpModel()
    lives, places, offsets = [], [], []
    for lower, upper, size in zip(*(part.tolist() for part in blocks), strict=True):
        offsets.append(model.new_int_var(0, capacity - size, ""))
        lives.append(model.new_fixed_size_interval_var(lower, upper - lower, ""))
        places.append(model.new_fixed_size_interval_var(offsets[-1], size, ""))
    model.add_no_overlap_2d(lives, places)
    model.add_cumulative(lives, blocks.size.tolist(), capacity)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = max(seconds, 0.0)
    solver.parameters.num_workers = _WORKERS
    status = solver.solve(model)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        made = np.array([solver.value(offset) for offset in offsets], np.int64)
        return Found(made, is_exhausted=False, work=0)
    return Found(None, is_exhausted=status == cp_model.INFEASIBLE, work=0,
                 timed_out=status == cp_model.UNKNOWN)  # fmt: skip
