"""What callers hand to a run: feeds as the inputs' arrays, and arrays for the results.

Whatever doesn't fit is refused with the input's name, what it is and what came, before a run
has changed anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.errors import FeedError
from scheduler.binding import address

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.spec import Spec

__all__ = ["by_name", "check_out", "fitting", "is_bindable"]

_FINEST = 16
"""Bytes. What NumPy aligns its own arrays to; on less, the same plan could give other bits."""

Array = np.ndarray[Any, Any]


def by_name(values: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """Return values as they are, if they are given by name."""
    if not isinstance(values, (dict, Mapping)):  # most are dicts, which is quick to see
        msg = f"{what} are given by name, in a mapping, not as {type(values).__name__}"
        raise FeedError(msg)
    return values


def fitting(name: str, value: ArrayLike, spec: Spec) -> Array:
    """Return a feed as an array of the input's shape, and of a dtype that casts safely."""
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        if not np.can_cast(array.dtype, spec.dtype, "safe"):
            msg = (f"input {name!r} is {spec}, the feed has dtype {array.dtype}, which would lose "
                   f"values: use .astype({str(spec.dtype)!r})")  # fmt: skip
            raise FeedError(msg)
    else:
        array = _from_python(name, value, spec)
    if array.shape != spec.shape:
        msg = (f"input {name!r} is {spec}, the feed has shape {list(array.shape)}; a plan has one "
               "shape: compile with other dims for another")  # fmt: skip
        raise FeedError(msg)
    return array


def is_bindable(array: Array) -> bool:
    """Say whether an array lies row by row and is aligned, so that kernels can work on it."""
    return array.flags.c_contiguous and not address(array) % _FINEST


def _from_python(name: str, value: ArrayLike, spec: Spec) -> Array:
    """Make an array of Python's numbers, which NumPy checks for the range of an integer dtype."""
    try:
        array = np.asarray(value)
        result = np.asarray(value, spec.dtype)
    except (TypeError, ValueError, OverflowError) as error:
        msg = f"input {name!r} is {spec}, and the feed can't be made one: {error}"
        raise FeedError(msg) from None
    ints = array.dtype.kind in "iu" and spec.dtype.kind in "iu"
    if array.size and not ints and not np.can_cast(array.dtype, spec.dtype, "same_kind"):
        msg = f"input {name!r} is {spec}, and the feed's values are {array.dtype}"
        raise FeedError(msg)
    return result


def check_out(
    out: Mapping[str, np.ndarray], given: Mapping[str, ArrayLike], results: Mapping[str, Spec]
) -> None:
    """Refuse arrays for results that don't fit them, or that overlap a feed or one another."""
    taken = [("feed", n, v) for n, v in given.items() if isinstance(v, np.ndarray)]
    for name, target in out.items():
        if name not in results:
            msg = f"the plan has no output {name!r}; it has {list(results)}"
            raise FeedError(msg)
        _check_target(name, target, results[name])
        for kind, other_name, other in taken:
            if _may_overlap(target, other):
                msg = f"out[{name!r}] overlaps {kind} {other_name!r}, which must keep its values"
                raise FeedError(msg)
        taken.append(("out", name, target))


def _check_target(name: str, target: Array, result: Spec) -> None:
    if not isinstance(target, np.ndarray) or not target.flags.writeable:
        msg = f"out[{name!r}] must be an array that can be written to"
        raise FeedError(msg)
    if target.shape != result.shape or target.dtype != result.dtype:
        msg = (f"out[{name!r}] must be {result}, not "
               f"{target.dtype}{list(target.shape)}")  # fmt: skip
        raise FeedError(msg)


def _may_overlap(a: Array, b: Array) -> bool:
    """Say whether two arrays may share memory; two that own theirs only if they are one."""
    if a.base is None and b.base is None:
        return a is b
    return bool(np.may_share_memory(a, b))
