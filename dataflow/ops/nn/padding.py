"""More elements around a tensor, or fewer, as `torch.nn.functional.pad` has them.

Each axis is a concatenation of slices, which need no known lengths and copy every element once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from dataflow.calling import as_tensor
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.joining import concatenate
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.slicing import Range, slice_axis, take_ranges
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = ["pad"]

_MODES = ("constant", "reflect", "replicate", "circular")


@public(family="nn")
def pad(
    x: Tensor, pad: Sequence[int], mode: str = "constant", value: complex | None = None
) -> Tensor:
    """Return a tensor with more elements around it, as PyTorch has it.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    pad : sequence of int
        How many elements to add before and after the last axis, then before and after the one
        before it, and so on. A negative number takes elements away.
    mode : str
        What the new elements are: ``"constant"``; ``"reflect"``, the others mirrored at the last
        one; ``"replicate"``, the last one; ``"circular"``, those of the other end.
    value : number, optional
        The constant, by default 0.

    Returns
    -------
    Tensor
        Of the same dtype.

    Raises
    ------
    ShapeError
        The numbers aren't pairs or are more than the axes, a mode isn't known, or an axis has too
        few elements to take away, to mirror or to repeat.

    See Also
    --------
    dataflow.pad : NumPy's function, which names the axes from the front.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2, 3]])
    >>> df.evaluate(df.nn.pad(x, (2, 1), mode="reflect"))
    array([[3, 2, 1, 2, 3, 2]])
    """
    if mode not in _MODES:
        _refuse(f"mode {mode!r} is none of {', '.join(_MODES)}")
    if value is not None and mode != "constant":
        _refuse(f"mode {mode!r} takes no value")
    for i, (before, after) in enumerate(_pairs(pad, x.ndim)):
        x = _padded_axis(x, x.ndim - 1 - i, before, after, mode, 0 if value is None else value)
    return x


def _refuse(what: str) -> NoReturn:
    msg = f"pad ({user_line()}): {what}"
    raise ShapeError(msg)


def _pairs(numbers: Sequence[int], ndim: int) -> list[tuple[int, int]]:
    items = list(numbers) if isinstance(numbers, Sequence) else [numbers]
    is_int = all(hasattr(n, "__index__") and not isinstance(n, bool) for n in items)
    if not is_int or len(items) % 2 or len(items) > 2 * ndim:
        _refuse(f"the numbers are ints, a pair for each of up to {ndim} axes, not {numbers!r}")
    whole = [n.__index__() for n in items]
    return list(zip(whole[::2], whole[1::2], strict=True))


def _padded_axis(
    x: Tensor, axis: int, before: int, after: int, mode: str, value: complex
) -> Tensor:
    """Add and take away elements: edges are mirrored and repeated as they were before."""
    made = x.shape[axis] + before + after
    added, taken = (max(before, 0), max(after, 0)), (max(-before, 0), max(-after, 0))
    kept = x.shape[axis] - sum(taken)
    late = mode in ("reflect", "replicate")
    if any(isinstance(n, int) and n < 0 for n in ((made,) if late else (made, kept))):
        _refuse(f"axis {axis} of {shape_text(x.shape)} has too few elements to take away "
                f"{taken[0]} and {taken[1]}")  # fmt: skip
    if late:
        return _cut(_extended(x, axis, *added, mode, value), axis, *taken)
    return _extended(_cut(x, axis, *taken), axis, *added, mode, value)


def _cut(x: Tensor, axis: int, before: int, after: int) -> Tensor:
    return slice_axis(x, axis, before, x.shape[axis] - after)


def _extended(x: Tensor, axis: int, before: int, after: int, mode: str, value: complex) -> Tensor:
    length = x.shape[axis]
    least = {"reflect": max(before, after) + 1, "circular": max(before, after), "replicate": 1}
    if (before or after) and isinstance(length, int) and length < least.get(mode, 0):
        _refuse(f"mode {mode!r} needs {least[mode]} elements or more along axis {axis}, which has "
                f"{length}")  # fmt: skip
    front, back = _edges(x, axis, length, before, after, mode, value)
    parts = [*[front] * (before > 0), x, *[back] * (after > 0)]
    return concatenate(parts, axis) if len(parts) > 1 else x


def _edges(
    x: Tensor, axis: int, length: int | Dim, before: int, after: int, mode: str, value: complex
) -> tuple[Tensor, Tensor]:
    """Return what comes before and after; of no use where there is none."""
    if mode == "constant":
        filled = as_tensor(value, x).astype(x.dtype)
        return _stretched(filled, x, axis, before), _stretched(filled, x, axis, after)
    if mode == "replicate":
        first, last = slice_axis(x, axis, 0, 1), slice_axis(x, axis, length - 1, length)
        return _stretched(first, x, axis, before), _stretched(last, x, axis, after)
    if mode == "circular":
        return slice_axis(x, axis, length - before, length), slice_axis(x, axis, 0, after)
    return (_slice(x, axis, Range(before, 0, -1)),
            _slice(x, axis, Range(length - 2, length - 2 - after, -1)))  # fmt: skip


def _stretched(part: Tensor, x: Tensor, axis: int, count: int) -> Tensor:
    return broadcast_to(part, (*x.shape[:axis], count, *x.shape[axis + 1 :]))


def _slice(x: Tensor, axis: int, taken: Range) -> Tensor:
    ranges = [Range(0, dim, 1) for dim in x.shape]
    ranges[axis] = taken
    return take_ranges(x, ranges)
