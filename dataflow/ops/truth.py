"""any and all: whether booleans hold, and count_nonzero by a sum."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.errors import DTypeError
from dataflow.operation import Sample
from dataflow.ops.reducing import SAMPLE_ROWS, kept, reduce_kernel, reduced_shape, reduction
from dataflow.ops.reductions import sum
from dataflow.ops.structure import check_inputs
from dataflow.shapes import reduced_axes

if TYPE_CHECKING:
    from dataflow.operation import Op, Specs
    from dataflow.ops.reducing import Axis
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["all", "any", "count_nonzero"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    if spec.dtype != np.bool_:
        msg = f"takes booleans, not {spec.dtype}: use .astype('bool')"
        raise DTypeError(msg)
    return (spec.with_shape(reduced_shape(spec, attrs)),)


def _reference(ufunc: np.ufunc, x: np.ndarray, attrs: Attrs) -> Any:  # noqa: ANN401 - NumPy's scalar or array
    function = np.any if ufunc is np.logical_or else np.all
    return function(x, attrs.integers("axes"), keepdims=attrs.flag("keepdims"))


def _samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.asarray(rng.random(shape) < odds),), attrs, smooth=False)
            for odds in (0.2, 0.8) for shape, attrs in SAMPLE_ROWS]  # fmt: skip


def _truth(name: str, label: str, ufunc: np.ufunc) -> Op:
    return reduction(
        name, label, infer=_infer, kernel=partial(reduce_kernel, ufunc),
        reference=partial(_reference, ufunc), maps=(None, None), combine=ufunc.__name__,
        samples=_samples,
    )  # fmt: skip


ANY = _truth("any", "Any", np.logical_or)
ALL = _truth("all", "All", np.logical_and)


@public(np.any)
def any(
    x: Tensor, axis: Axis = None, *, keepdims: bool = False, where: TensorLike | None = None
) -> Tensor:
    """Return whether an element over axes isn't 0; a NaN isn't 0.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    axis : int or sequence of int, optional
        The axes; by default all.
    keepdims : bool
        Whether they stay, with length 1.
    where : tensor or array of bool, optional
        Which elements to look at; it must broadcast to `x`.

    Returns
    -------
    Tensor
        Booleans; False where there are no elements.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice, or the mask doesn't broadcast.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 0], [0, 0]])
    >>> df.evaluate(df.any(x, axis=1))
    array([ True, False])
    """
    attrs = Attrs(axes=reduced_axes(axis, x.ndim), keepdims=keepdims)
    return apply(ANY, (kept(x.astype(np.bool_), where, np.False_),), attrs)


@public(np.all)
def all(
    x: Tensor, axis: Axis = None, *, keepdims: bool = False, where: TensorLike | None = None
) -> Tensor:
    """Return whether no element over axes is 0: True where there are none. See `any`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [0, 3]])
    >>> df.evaluate(df.all(x, axis=1))
    array([ True, False])
    """
    attrs = Attrs(axes=reduced_axes(axis, x.ndim), keepdims=keepdims)
    return apply(ALL, (kept(x.astype(np.bool_), where, np.True_),), attrs)


@public(np.count_nonzero)
def count_nonzero(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """Return how many elements over axes aren't 0, as int64; a NaN isn't 0. See `any`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 0], [2, 3]])
    >>> df.evaluate(df.count_nonzero(x, axis=1))
    array([1, 2])
    """
    return sum(x.astype(np.bool_), axis, keepdims=keepdims)
