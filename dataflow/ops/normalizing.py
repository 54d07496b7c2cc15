"""Layer norm: rows brought to mean 0 and variance 1, then scaled and shifted.

The op `standardize` does the first half and keeps 1 / standard deviation for the reverse sweep;
scale and bias are ordinary nodes. Sums of squares are `numpy.vecdot`, which needs no array of
squares; float16 works in float32 inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    WHOLE,
    Along,
    Application,
    Arrays,
    Call,
    Cost,
    Op,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops.axes import transpose
from dataflow.ops.parameters import parameter
from dataflow.ops.reductions import mean
from dataflow.ops.shaping import reshape
from dataflow.ops.structure import batch_all, check_inputs, samples_of
from dataflow.sampling import FLOATS
from dataflow.shapes import normal_axes
from dataflow.source import user_line
from dataflow.spec import Spec, shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["layer_norm"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    attrs.number("eps")
    if spec.dtype.kind != "f":
        msg = f"takes real floating-point numbers, not {spec.dtype}: use .astype('float32')"
        raise DTypeError(msg)
    if not spec.ndim or spec.shape[-1] == 0:
        msg = "takes at least one axis, the last one not of length 0"
        raise ShapeError(msg)
    return (spec, spec.with_shape((*spec.shape[:-1], 1)))


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    normal, scale = _infer(specs, attrs)
    if normal.dtype != np.float16:
        return Workspace((scale,))
    wide = [Spec(spec.shape, np.dtype(np.float32)) for spec in (scale, normal, scale)]
    return Workspace(tuple(wide))


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (x,), (centre, *wide) = ins, scratch
    y, scale = wide or outs
    calls: list[Call] = []
    if wide:
        calls.append((np.copyto, (y, x)))
        x = y
    length, eps = x.shape[-1], attrs.number("eps")
    count, floor, root = (np.asarray(v, y.dtype) for v in (length, length * eps, length**0.5))
    calls += [
        (np.add.reduce, (x, x.ndim - 1, None, centre, True)),
        (np.true_divide, (centre, count, centre)),
        (np.subtract, (x, centre, y)),
        # 1 / sqrt(squares / n + eps) = sqrt(n) / sqrt(squares + n eps)
        (np.vecdot, (y, y, scale[..., 0])),
        (np.add, (scale, floor, scale)),
        (np.sqrt, (scale, scale)),
        (np.true_divide, (root, scale, scale)),
        (np.multiply, (y, scale, y)),
    ]
    narrow = zip(outs, wide, strict=False)
    return [*calls, *[(np.copyto, (out, array, "same_kind")) for out, array in narrow]]


def _reference(x: np.ndarray, attrs: Attrs) -> tuple[np.ndarray, np.ndarray]:
    wide = x.astype(np.float64)
    centred = wide - wide.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((centred * centred).mean(-1, keepdims=True) + attrs.number("eps"))
    return (centred * scale).astype(x.dtype), scale.astype(x.dtype)


# With y the normal rows and s their scale: dy = s (dx - <dx> - y <y dx>) and ds = -s² <y dx>,
# <> being the mean along a row.


def _mean(x: Tensor) -> Tensor:
    return mean(x, -1, keepdims=True)


def _normal_change(application: Application, change: Tensor) -> Tensor:
    y, scale = application.outputs
    return scale * (change - _mean(change) - y * _mean(y * change))


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (y, scale), (normal, second) = application.outputs, cotangents
    parts = [] if normal is None else [_normal_change(application, normal)]
    if second is not None:
        wide = np.float32 if y.dtype == np.float16 else y.dtype  # float16 ends at 65504 elements
        count = y.builder.size_of((y.shape[-1],), wide)
        change = -(scale * scale) * second
        parts.append((change.astype(wide) / count).astype(y.dtype) * y)
    return [parts[0] + parts[1] if len(parts) == 2 else parts[0] if parts else None]


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (y, scale), (change,) = application.outputs, tangents
    if change is None:
        return [None, None]
    return [_normal_change(application, change), -(scale * scale) * _mean(y * change)]


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return Tiling(((*map(Along, range(specs[0].ndim - 1)), WHOLE),))


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size = ins[0].size
    return Cost(6 * size if isinstance(size, int) else 0, traffic(ins, outs))


STANDARDIZE = register(Op(
    name="standardize", label="Standardize", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=_vjp, jvp=_jvp, batch=batch_all, tiling=_tiling, cost=_cost, workspace=_workspace,
    inplace=(0,),
    samples=samples_of([([shape], Attrs(eps=1e-2)) for shape in ((4,), (0, 3), (2, 2, 5), (3, 4))],
                       dtypes=FLOATS),
))  # fmt: skip


@public()
def layer_norm(
    x: Tensor,
    scale: TensorLike | None = None,
    bias: TensorLike | None = None,
    axis: int | Sequence[int] = -1,
    eps: float = 1e-5,
) -> Tensor:
    """Return ``(x - mean) / sqrt(variance + eps) * scale + bias`` along an axis or several.

    Parameters
    ----------
    x : Tensor
        Real floats, at least one axis.
    scale, bias : tensor or array_like, optional
        One element for each along the axis; of several axes, of their lengths in their order.
    axis : int or sequence of int
        The axis, or the axes together, brought to mean 0 and variance 1.
    eps : float
        Keeps the root away from 0.

    Returns
    -------
    Tensor
        The same shape and dtype.

    Raises
    ------
    ShapeError
        The axis is out of range or of length 0, or scale or bias don't fit.
    DTypeError
        The tensor isn't of real floats.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0, 3.0]])
    >>> df.evaluate(df.layer_norm(x)).round(3)
    array([[-1.225,  0.   ,  1.225]], dtype=float32)
    """
    axes = normal_axes(axis, x.ndim)
    if not axes:
        msg = f"layer_norm ({user_line()}): there must be an axis to bring to mean 0"
        raise ShapeError(msg)
    rest = [i for i in range(x.ndim) if i not in axes]
    rows = _as_rows(x, rest, axes)
    if not isinstance(eps, (int, float)) or not eps >= 0:
        msg = f"layer_norm ({user_line()}): eps is a number of 0 or more, not {eps!r}"
        raise DTypeError(msg)
    y: Tensor = rows.builder.apply(STANDARDIZE, (rows,), Attrs(eps=float(eps)))[0]
    lengths = tuple(x.shape[i] for i in axes)
    y = reshape(y, (*rows.shape[:-1], *lengths)) if len(axes) > 1 else y
    wanted = f"the axes' lengths, {shape_text(lengths)}"
    if scale is not None:
        y = y * parameter("layer_norm", "scale", scale, y, lengths, wanted)
    if bias is not None:
        y = y + parameter("layer_norm", "bias", bias, y, lengths, wanted)
    order = [*rest, *axes]
    places = [order.index(i) for i in range(x.ndim)]
    return y if places == sorted(places) else transpose(y, places)


def _as_rows(x: Tensor, rest: Sequence[int], axes: Sequence[int]) -> Tensor:
    """Put axes at the end, as one."""
    order = [*rest, *axes]
    moved = x if order == sorted(order) else transpose(x, order)
    if len(axes) == 1:
        return moved
    return reshape(moved, (*moved.shape[: len(rest)], product(x.shape[i] for i in axes)))
