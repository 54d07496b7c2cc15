"""What fits: the largest dimension within a budget, and what smaller budgets cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from dataflow.errors import CompileError
from scheduler.budget import SHARES, Means, as_bytes, sliced
from scheduler.compiler import compile, planner

if TYPE_CHECKING:
    from dataflow.graph import Graph

__all__ = ["BudgetPoint", "budget_curve", "largest_size"]

_MOST = 2**40


class BudgetPoint(NamedTuple):
    """What one plan needs, and the floating-point operations it has beyond those of the first."""

    total: int
    arena: int
    extra_flops: float


def budget_curve(graph: Graph, *, dims: Mapping[str, int] | None = None) -> list[BudgetPoint]:
    """Return what smaller budgets cost, by computing again and without slices.

    Parameters
    ----------
    graph : Graph
        What to compute.
    dims : mapping of str to int
        The sizes of its named dimensions.

    Returns
    -------
    list of BudgetPoint
        From the plan without a budget down to the smallest that was found; each has fewer bytes
        and more work than the one before. ``extra_flops`` is a share of the first's.

    Raises
    ------
    CompileError
        As `compile` raises it.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = h = b.input("x", (1000,))
    >>> for _ in range(16):
    ...     h = df.sin(h)
    >>> (slope,) = df.grad(h.sum(), [x])
    >>> curve = budget_curve(b.build({"slope": slope}))
    >>> curve[0].arena, curve[-1].arena, curve[0].extra_flops, curve[-1].extra_flops < 0.32
    (60480, 24192, 0.0, True)
    """
    options = {"blas_threads": "1", "tiles": "false", "updates": "true"}
    make = planner(graph, dims or {}, None, options)
    whole, count = make(Means(1))
    flops = count()
    points = [BudgetPoint(whole.certificate.total, whole.peak, 0.0)]
    for share in SHARES:
        plan, work = make(Means(1, int(share * whole.peak)))
        points.append(
            BudgetPoint(plan.certificate.total, plan.peak, (work() - flops) / max(flops, 1))
        )
    return _frontier(points)


def _frontier(points: list[BudgetPoint]) -> list[BudgetPoint]:
    """Return the points beside which none has fewer bytes for as little work, by bytes downward."""
    found: list[BudgetPoint] = []
    for point in sorted(points, key=lambda point: (point.extra_flops, point.total)):
        if not found or point.total < found[-1].total:
            found.append(point)
    return found


def largest_size(
    graph: Graph, dim: str, budget: int | str, *, dims: Mapping[str, int] | None = None,
    tiles: bool = True,
) -> int:  # fmt: skip
    """Return a size of a dimension with which a plan fits into a budget, and one more doesn't.

    It is the largest where what a plan needs grows with the size. That may fall once, where a feed
    becomes large enough to be read where it lies instead of being copied.

    Parameters
    ----------
    graph : Graph
        What to compute.
    dim : str
        A named dimension.
    budget : int or str
        The bytes that the certificate's total may have, such as ``"2GiB"``; large feeds are the
        caller's and don't count.
    dims : mapping of str to int
        The sizes of the others.
    tiles : bool
        Whether steps may run slice by slice.

    Returns
    -------
    int
        With it, ``compile(graph, memory_budget=budget)`` gives a plan that computes nothing again;
        with one more, there is none.

    Raises
    ------
    CompileError
        `dims` gives the dimension itself a size. Not even a size of 1 fits: the message says what
        the least is, and which node needs it. No size that was tried is too large; or as `compile`
        raises it.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", ("batch", 1024))
    >>> largest_size(b.build({"y": df.cumsum(x, axis=0)[-1]}), "batch", "1GiB")
    262126
    """
    most = as_bytes(budget)
    if dim in (dims or {}):
        msg = (f"largest_size looks for the size of {dim!r}, so dims, which are the sizes of the "
               f"others, must not give it one: {dict(dims or {})}")  # fmt: skip
        raise CompileError(msg)
    options = {"blas_threads": "1", "tiles": str(bool(tiles)).lower(), "updates": "true"}

    def fits(size: int) -> bool:
        make = planner(graph, {**(dims or {}), dim: size}, None, options)
        return any(plan.certificate.total <= most for plan in sliced(make, tiles=tiles))

    if not fits(1):
        compile(graph, dims={**(dims or {}), dim: 1}, tiles=tiles, memory_budget=most)
        msg = (f"graph {graph.name!r} doesn't fit into {most} bytes, even with {dim}=1, unless it "
               "computes values again: compile with memory_budget does")  # fmt: skip
        raise CompileError(msg)
    low, high = 1, 2
    while fits(high):
        low, high = high, 2 * high
        if high > _MOST:
            msg = (f"graph {graph.name!r} fits into {most} bytes even with {dim}={low}: what it "
                   f"needs doesn't grow with {dim!r}, as the other dimensions are")  # fmt: skip
            raise CompileError(msg)
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
