"""Linear recurrences along an axis, of which the derivatives of most scans are made.

The op `recurrence` carries a value from place to place:

    h[0] = 0,   h[i + 1] = b[i] + a[i] h[i],   that is   h[i] = Σ_{k<i} b[k] Π_{k<j<i} a[j].

The weight of b[k] in h[i] is a product of what lies strictly between: so the transpose is the same
recurrence from the other end, and the op's rules are made of nothing but itself. No division and no
difference takes part, so that zeros among the a[i] are as good as other numbers.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, promoted
from dataflow.dispatch import public
from dataflow.elementwise import maps_vjp
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import Op, Sample, register
from dataflow.ops.one_axis import tile_beside_axis
from dataflow.ops.recurrence_kernels import recurrence_kernel, recurrence_workspace
from dataflow.ops.scanning import axis_of, other_way, scan_cost
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.structure import check_inputs
from dataflow.sampling import COMPLEX, FLOATS
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import broadcast_shapes

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.operation import Application, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["linear_recurrence"]

_DTYPES = (*COMPLEX, *FLOATS)


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs, 2)
    if spec != specs[1] or spec.dtype.name not in _DTYPES:
        msg = f"takes two tensors of one shape and one of {', '.join(_DTYPES)}, not {specs}"
        raise (ShapeError if spec.shape != specs[1].shape else DTypeError)(msg)
    axis_of(spec, attrs)
    attrs.flag("reverse")
    return (spec,)


def _reference(a: np.ndarray, b: np.ndarray, attrs: Attrs) -> np.ndarray:
    axis = attrs.integer("axis")
    wide = np.float32 if a.dtype == np.float16 else a.dtype
    order = slice(None, None, -1 if attrs.flag("reverse") else 1)
    factors, terms = (np.moveaxis(array, axis, 0)[order].astype(wide) for array in (a, b))
    rows = [np.zeros(factors.shape[1:], wide)]
    for factor, term in zip(factors, terms, strict=True):
        rows.append(term + factor * rows[-1])
    found = np.array(rows[:-1], wide).reshape(factors.shape)[order]
    return np.moveaxis(found, 0, axis).astype(a.dtype)


# Derivatives


def recur(a: Tensor, b: Tensor, attrs: Attrs) -> Tensor:
    """Return h as this module's docstring has it, along the axis of a scan's attributes."""
    return apply(
        RECURRENCE, (a, b), Attrs(axis=attrs.integer("axis"), reverse=attrs.flag("reverse"))
    )


def carried(a: Tensor, b: Tensor, attrs: Attrs) -> Tensor:
    """Return t with ``t[i] = b[i] + a[i] t[i - 1]``; of an exclusive scan ``t[i - 1]``."""
    before = recur(a, b, attrs)
    return before if attrs.flag("exclusive") else b + a * before


def carried_back(a: Tensor, cotangent: Tensor, attrs: Attrs) -> Tensor:
    """Return the cotangent of b for that of t in `carried`."""
    if attrs.flag("exclusive"):
        return recur(a, cotangent, other_way(attrs))
    return cotangent + recur(a, a * cotangent, other_way(attrs))


def _term_back(application: Application, cotangent: Tensor) -> Tensor:
    return recur(application.inputs[0], cotangent, other_way(application.attrs))


def _factor_back(application: Application, cotangent: Tensor) -> Tensor:
    return _term_back(application, cotangent) * application.outputs[0]


def _jvp(application: Application, tangents: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    (a, _), (factor, term) = application.inputs, tangents
    change = None if factor is None else factor * application.outputs[0]
    if change is not None and term is not None:
        change = change + term
    change = term if change is None else change
    return [None if change is None else recur(a, change, application.attrs)]


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    attrs, shape = application.attrs, (size, *application.outputs[0].shape)
    whole = [broadcast_to(tensor, shape) for tensor in inputs]
    return [apply(RECURRENCE, whole, attrs.replace(axis=attrs.integer("axis") + 1))]


def _samples(rng: np.random.Generator) -> list[Sample]:
    rows = (
        ((1,), 0),
        ((0, 3), 0),
        ((3, 0), 0),
        ((70, 2), 0),
        ((2, 3, 2), 1),
        ((4, 2), 0),
        ((3, 5), 1),
    )
    made = []
    for dtype in _DTYPES:
        for i, (shape, axis) in enumerate(rows if dtype == "float64" else rows[-2:]):
            a, b = (rng.uniform(-1.5, 1.5, shape).astype(dtype) for _ in range(2))
            a[..., :1] = 0
            made.append(Sample((a, b), Attrs(axis=axis, reverse=bool(i % 2))))
    return made


RECURRENCE = register(Op(
    name="recurrence", label="Recurrence", infer=_infer, kernel=recurrence_kernel,
    reference=_reference, vjp=maps_vjp((_factor_back, _term_back)), jvp=_jvp, batch=_batch,
    tiling=tile_beside_axis, cost=partial(scan_cost, 2), samples=_samples,
    workspace=recurrence_workspace,
))  # fmt: skip


@public()
def linear_recurrence(
    a: TensorLike, b: TensorLike, axis: int = -1, *, reverse: bool = False
) -> Tensor:
    """Return h with ``h[i] = b[i] + a[i] * h[i - 1]`` along an axis, beginning with ``b[0]``.

    An exponential moving average of ``x`` is that of ``1 - r`` and ``r * x``.

    Parameters
    ----------
    a, b : tensor or array_like
        Floats or complex numbers whose shapes broadcast; integers become floats.
    axis : int
        The axis, of the broadcast shape.
    reverse : bool
        Whether to begin with the last element.

    Returns
    -------
    Tensor
        The broadcast shape. float16 is computed in float32.

    Raises
    ------
    ShapeError
        The axis is out of range, or the shapes don't broadcast.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 0.0, 2.0, 0.0])
    >>> df.evaluate(df.linear_recurrence(0.5, x))
    array([1.   , 0.5  , 2.25 , 1.125], dtype=float32)
    """
    factor, term = promoted(RECURRENCE, None, a, b)
    if not term.spec.is_float:
        factor, term = factor.astype(np.float64), term.astype(np.float64)
    try:
        shape = broadcast_shapes([factor.shape, term.shape])
    except ShapeError as error:
        msg = f"linear_recurrence ({user_line()}): {error}"
        raise ShapeError(msg) from None
    attrs = Attrs(axis=normal_axis(axis, len(shape)), reverse=reverse, exclusive=False)
    return carried(broadcast_to(factor, shape), broadcast_to(term, shape), attrs)
