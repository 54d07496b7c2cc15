"""Budgets: the plan of the least extra work that fits into so many bytes, and what may be had.

A budget is for everything that the certificate counts. What costs no work is tried first: the order
and the slices of any compilation, then more slices. Then items are computed again (see
`scheduler.rematerialise`), with slices and without, where the arena must be so small that the
whole fits. All of it is counted and none of it timed: the same graph and budget give the same plan.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dataflow.dims import as_int
from dataflow.errors import CompileError
from scheduler.live_bytes import fullest

if TYPE_CHECKING:
    from scheduler.plan import Plan

__all__ = ["SHARES", "Made", "Means", "as_bytes", "fitted", "sliced"]

_SIZE = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?) *(?:([KMGT])(I?))?B?", re.IGNORECASE)
_SLICES = (16, 32, 64, 128, 256)
_TRIES = 6  # to find how small the arena must be, since calls that run again need memory too

SHARES = (0.9, 0.75, 0.6, 0.5, 0.4, 0.33, 0.25, 0.2, 0.15, 0.1, 0.0)
"""Of the whole's arena: limits that are tried."""

_SLICED_SHARES = (0.5, 0.25, 0.1, 0.0)
"""The same where steps run slice by slice as well."""


class Means(NamedTuple):
    """By what means a plan is made smaller: slices, and a limit of live bytes for recomputation."""

    slices: int
    limit: int | None = None


class Made(NamedTuple):
    """A plan, and what counts its floating-point operations, for who compares."""

    plan: Plan
    flops: Callable[[], int]


def as_bytes(budget: int | str) -> int:
    """Read a number of bytes.

    Parameters
    ----------
    budget : int or str
        A number of bytes above 0, or text such as ``"64MiB"``, ``"1.5 GiB"`` or ``"2GB"``.

    Returns
    -------
    int
        The bytes; a fraction of one is dropped.

    Raises
    ------
    CompileError
        It is neither.

    Examples
    --------
    >>> as_bytes("64KiB"), as_bytes("2 GB"), as_bytes(100)
    (65536, 2000000000, 100)
    """
    found = _SIZE.fullmatch(budget.strip()) if isinstance(budget, str) else None
    if found is not None:
        number, unit, binary = found.groups()
        factor = (1024 if binary else 1000) ** "_KMGT".index((unit or "_").upper())
        nbytes = int(Fraction(number) * factor)
    else:
        nbytes = as_int(budget) or 0
    if nbytes < 1:
        msg = (f"a budget is a number of bytes above 0, or text such as '64MiB', "
               f"not {budget!r:.60}")  # fmt: skip
        raise CompileError(msg)
    return nbytes


def fitted(make: Callable[[Means], Made], budget: int, *, tiles: bool) -> Plan:
    """Return the plan of the least work whose certificate is within a budget.

    Parameters
    ----------
    make : callable
        Makes a plan by given means.
    budget : int
        In bytes.
    tiles : bool
        Whether slices are allowed.

    Raises
    ------
    CompileError
        None was found; the message says what the least is, and which node needs it.
    """
    tried: list[Plan] = []
    for attempts in _attempts(make, budget, tiles=tiles):
        found = list(attempts)
        fitting = [made for made in found if made.plan.certificate.total <= budget]
        if fitting:
            return min(fitting, key=lambda made: made.flops()).plan  # the first of equals
        tried += [made.plan for made in found]
    raise CompileError(_too_small(min(tried, key=lambda plan: plan.certificate.total), budget))


def sliced(make: Callable[[Means], Made], *, tiles: bool) -> Iterator[Plan]:
    """Yield the plans that compute nothing again, in more and more slices."""
    yield from (make(Means(slices)).plan for slices in (_SLICES if tiles else (1,)))


def _attempts(
    make: Callable[[Means], Made], budget: int, *, tiles: bool
) -> Iterator[Iterator[Made]]:
    """Yield ways to make a plan, those that cost nothing first, in groups to choose the best of."""
    for slices in _SLICES if tiles else (1,):
        yield iter([make(Means(slices))])
    yield _recomputed(make, budget)
    whole = make(Means(1)).plan.peak
    for share in _SLICED_SHARES if tiles else ():
        yield (make(Means(slices, int(share * whole))) for slices in _SLICES)


def _recomputed(make: Callable[[Means], Made], budget: int) -> Iterator[Made]:
    """Yield plans without slices: of a smaller and smaller arena until one fits, and of shares.

    The limit is of what lives in an order; a plan may need more or less. So larger limits than the
    one that fits are tried too, as long as they fit.
    """
    whole = make(Means(1)).plan
    limit = whole.peak - (whole.certificate.total - budget)
    fitting: int | None = None
    for _ in range(_TRIES if limit > 0 else 0):
        made = make(Means(1, limit))
        yield made
        over = made.plan.certificate.total - budget
        if over <= 0:
            fitting = limit
            break
        limit -= max(over, limit // 32)
    for larger in sorted(int(share * whole.peak) for share in SHARES):
        if fitting is None or larger > fitting:  # where none fits, any share may
            made = make(Means(1, larger))
            yield made
            if fitting is not None and made.plan.certificate.total > budget:
                return


def _too_small(plan: Plan, budget: int) -> str:
    certificate = plan.certificate
    message = (f"graph {plan.name!r} doesn't fit into {budget} bytes: the least that was found is "
               f"{certificate.total}, with {certificate.arena} for temporaries, "
               f"{certificate.variables} for variables, {certificate.feeds} for feeds")  # fmt: skip
    step, living = fullest(plan)
    if living:
        largest = plan.buffers[living[0]]
        message += (f"; most lives at step {step}, {plan.steps[step].where()}, the largest being "
                    f"{largest.nbytes} bytes of node {largest.name!r}")  # fmt: skip
    return f"{message}. Compile with smaller dims, or raise the budget"
