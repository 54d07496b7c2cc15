"""How rows that are updated change with the tensor and with the updates: two diagonal maps each.

One map says what a change of the tensor is worth in its place, the other what a change of an update
is worth in the row that it goes to; `rows_vjp` and `rows_jvp` make both rules of them. Where one is
an update itself, it is a node of the same op, with the same indices.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function
from dataflow.elementwise import conjugated
from dataflow.ops.gathering import SCATTER_ADD, take
from dataflow.ops.shaping import reshape

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor

__all__ = ["ADD", "EXTREME", "MULTIPLY", "SET", "Part", "rows_jvp", "rows_vjp"]


class Part(NamedTuple):
    """The derivative by `x` and by the updates: maps of changes of their shapes."""

    kept: Callable[[Application, Tensor], Tensor]
    used: Callable[[Application, Tensor], Tensor]


def rows_vjp(part: Part, application: Application, cotangents: Any) -> list[Tensor | None]:  # noqa: ANN401
    """Return the cotangents of the tensor and of the updates; see `Op`."""
    (cotangent,), indices = cotangents, application.inputs[1]
    if cotangent is None:
        return [None] * 3
    seen = conjugated(application)
    return [
        part.kept(seen, cotangent) if application.needs[0] else None,
        None,
        part.used(seen, take(cotangent, indices, 0)) if application.needs[2] else None,
    ]


def rows_jvp(part: Part, application: Application, tangents: Any) -> list[Tensor | None]:  # noqa: ANN401
    """Return the tangent of the result; see `Op`."""
    x, _, updates = tangents
    made = [] if x is None else [part.kept(application, x)]
    if updates is not None:
        made.append(_spread(application, part.used(application, updates)))
    return [sum(made[1:], made[0]) if made else None]


def _spread(application: Application, updates: Tensor) -> Tensor:
    """Add up what belongs to the updates in the rows that they go to."""
    attrs = Attrs(axis=0, length=application.inputs[0].shape[:1])
    return apply(SCATTER_ADD, (updates, application.inputs[1]), attrs)


def _rows_of(application: Application, x: Tensor) -> Tensor:
    return take(x, application.inputs[1], 0)


def _combined(application: Application, x: Tensor, updates: Tensor) -> Tensor:
    """Combine other updates into another tensor, in the way of the node itself."""
    return apply(application.op, (x, application.inputs[1], updates), application.attrs)


def _same(application: Application, change: Tensor) -> Tensor:
    return change


# set: the last one wins, and has the gradient


def _unset(application: Application, change: Tensor) -> Tensor:
    updates = application.inputs[2]
    zeros = change.builder.full(updates.shape, 0, change.dtype)
    return _combined(application, change, zeros)


def _where_last(application: Application, change: Tensor) -> Tensor:
    """Pass what belongs to the updates that no later one overwrites."""
    if application.attrs.flag("unique"):
        return change
    (x, indices, _), builder = application.inputs, change.builder
    count = indices.spec.size
    turns = reshape(builder.arange(count), indices.shape)
    last = _combined(application, builder.full(x.shape[:1], 0, np.int64), turns)
    won = call_function("equal", _rows_of(application, last), turns)
    mask = reshape(won, (*won.shape, *[1] * (x.ndim - 1)))
    return call_function("where", mask, change, 0)


# multiply: an update's derivative is the product of all others of its row


def _times_updates(application: Application, change: Tensor) -> Tensor:
    return _combined(application, change, application.inputs[2])


def _times_others(application: Application, change: Tensor) -> Tensor:
    x, _, updates = application.inputs
    here = change * _rows_of(application, x)
    return here if application.attrs.flag("unique") else here * _others(application, updates)


def _others(application: Application, updates: Tensor) -> Tensor:
    """Return for every update the product of the other updates of its row, also where it is 0."""
    x, where = application.inputs[0], partial(call_function, "where")
    is_zero = call_function("equal", updates, 0)
    others = where(is_zero, 1, updates)
    ones = x.builder.full(x.shape, 1, x.dtype)
    whole = _rows_of(application, _combined(application, ones, others))
    zeros = _rows_of(application, _spread(application, is_zero.astype(np.int64)))
    alone = call_function("equal", zeros, is_zero.astype(np.int64))  # no other is 0
    return where(alone, whole / others, 0)


# maximum and minimum: ties share the gradient equally, as PyTorch has it


def _if_kept(application: Application, change: Tensor) -> Tensor:
    return _shares(application)[0] * change


def _if_used(application: Application, change: Tensor) -> Tensor:
    return _shares(application)[1] * change


def _shares(application: Application) -> tuple[Tensor, Tensor]:
    (x, _, updates), (result,) = application.inputs, application.outputs
    kept = call_function("equal", x, result).astype(x.dtype)
    used = call_function("equal", updates, _rows_of(application, result)).astype(x.dtype)
    count = kept + _spread(application, used)
    return kept / count, used / _rows_of(application, count)


SET = Part(_unset, _where_last)
ADD = Part(_same, _same)
MULTIPLY = Part(_times_updates, _times_others)
EXTREME = Part(_if_kept, _if_used)
