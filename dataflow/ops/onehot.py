"""one_hot: labels as rows of zeros with a one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dim_texts import as_dim
from dataflow.dispatch import public
from dataflow.elementwise import elementwise_tiling
from dataflow.errors import DTypeError
from dataflow.operation import (
    Absent,
    Application,
    Array,
    Arrays,
    Call,
    Op,
    Sample,
    Specs,
    Workspace,
    register,
)
from dataflow.ops.positions import check_int64, check_known, checking, placing
from dataflow.ops.structure import check_inputs, copy_cost, single_dim
from dataflow.source import user_line
from dataflow.spec import DTYPES, Spec, as_dtype

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike
    from dataflow.tensor import Tensor

__all__ = ["one_hot"]

_NO_DERIVATIVE = Absent("labels are integers")


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    labels, classes = check_inputs(specs), single_dim(attrs, "classes")
    check_int64(labels, 0)
    return (Spec((*labels.shape, classes), as_dtype(attrs.text("dtype"))),)


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (labels,), (places,) = outs, ins, scratch
    (classes,) = attrs.integers("classes")
    calls: list[Call] = [*checking(labels, classes), (out.fill, (0,))]
    if not out.flags.c_contiguous:
        return [*calls, (_mark_each, (labels, out))]
    one = np.ones((), out.dtype)
    return [*calls, *placing(labels, classes, places),
            (np.ndarray.put, (out.reshape(-1), places, one, "clip"))]  # fmt: skip


def _mark_each(labels: Array, out: Array) -> None:
    """Set one after the other: slow, but numpy.put would copy a result with gaps in memory."""
    for place in np.ndindex(labels.shape):
        out[(*place, labels[place])] = 1


def _reference(labels: np.ndarray, attrs: Attrs) -> np.ndarray:
    classes = np.arange(attrs.integers("classes")[0])
    return np.asarray(labels[..., None] == classes).astype(attrs.text("dtype"))


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace((specs[0],))


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    return [apply(ONE_HOT, inputs, application.attrs)]


def _samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((np.asarray(rng.integers(0, 4, shape)),), Attrs(classes=(4,), dtype=dtype))
        for dtype in DTYPES for shape in ((), (0,), (3,), (2, 3), (70,))
    ]  # fmt: skip


ONE_HOT = register(Op(
    name="one_hot", label="OneHot", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=_NO_DERIVATIVE, jvp=_NO_DERIVATIVE, batch=_batch, tiling=elementwise_tiling, cost=copy_cost,
    workspace=_workspace, samples=_samples, fallible=True,
))  # fmt: skip


@public()
def one_hot(labels: Tensor, num_classes: DimLike, dtype: object = "float32") -> Tensor:
    """Return for every label a row of zeros with a one in the label's place.

    Parameters
    ----------
    labels : Tensor
        Integers of any shape, from 0 to below `num_classes`.
    num_classes : int, str or Dim
        The length of the new last axis.
    dtype : dtype
        The result's dtype.

    Raises
    ------
    DTypeError
        The labels aren't integers.
    ShapeError
        A label that is known already is out of range.
    KernelError
        While running: a label is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> labels = df.GraphBuilder().constant([2, 0])
    >>> df.evaluate(df.one_hot(labels, 3))
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    if labels.dtype.kind not in "iu":
        msg = f"labels ({user_line()}) are integers, not {labels.dtype}: use .astype('int64')"
        raise DTypeError(msg)
    classes = as_dim(num_classes)
    check_known(labels, classes, "label")
    attrs = Attrs(classes=(classes,), dtype=as_dtype(dtype).name)
    return apply(ONE_HOT, (labels.astype(np.int64),), attrs)
