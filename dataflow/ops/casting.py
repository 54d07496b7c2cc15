"""`astype`: the one op that changes a dtype, so that every other op's kernel meets no cast.

NumPy's ufuncs cast mixed operands through buffers of 64 KiB that they allocate in the call. Here
promotion is a node of its own, which the planner sees and the simplifier can fold.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.elementwise import batch_elementwise, elementwise_cost, elementwise_tiling
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import Op, Sample, register
from dataflow.source import user_line
from dataflow.spec import DTYPES, Spec, as_dtype

if TYPE_CHECKING:
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__ = ["astype"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    if len(specs) != 1:
        msg = f"takes 1 input, not {len(specs)}"
        raise ShapeError(msg)
    return (Spec(specs[0].shape, as_dtype(attrs.text("dtype"))),)


def _convertible(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Drop the imaginary part where the result has none; NumPy would warn at every call."""
    return x.real if x.dtype.kind == "c" and dtype.kind not in "cb" else x


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    # `out[...] = x` casts as np.copyto(casting="unsafe") does, in a third of its overhead.
    return [(outs[0].__setitem__, (..., _convertible(ins[0], outs[0].dtype)))]


def _reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    dtype = as_dtype(attrs.text("dtype"))
    return _convertible(arrays[0], dtype).astype(dtype)


def _vjp(application: Application, cotangents: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    (x,), (y,), (cotangent,) = application.inputs, application.outputs, cotangents
    if cotangent is None or not (x.spec.is_float and y.spec.is_float):
        return [None]
    return [astype(cotangent, x.dtype)]


def _jvp(application: Application, tangents: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    (x,), (y,), (tangent,) = application.inputs, application.outputs, tangents
    if tangent is None or not (x.spec.is_float and y.spec.is_float):
        return [None]
    return [astype(tangent, y.dtype)]


def _samples(rng: np.random.Generator) -> list[Sample]:
    made = []
    for source in DTYPES:
        for shape, target in (((3, 4), "float32"), ((), "int32"), ((0, 2), "float64"),
                              ((5,), "complex64"), ((2, 1), "bool"), ((4,), "float16"),
                              ((7,), source)):  # fmt: skip
            x = np.asarray(rng.uniform(0, 3, shape)).astype(source)
            smooth = source in ("float32", "float64") and target in ("float32", "float64")
            made.append(Sample((x,), Attrs(dtype=target), smooth=smooth))
    return made


ASTYPE = register(Op(
    name="astype", label="ToCopy", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=_vjp, jvp=_jvp, batch=batch_elementwise, tiling=elementwise_tiling,
    cost=partial(elementwise_cost, 1), samples=_samples,
    moves=True,
))  # fmt: skip


@public(np.astype)
def astype(x: Tensor, dtype: object, *, copy: bool = True, device: object = None) -> Tensor:
    """Return the values in another dtype; `x` itself if it has that dtype.

    Parameters
    ----------
    x : Tensor
        Any shape.
    dtype : dtype
        One of the dtypes that tensors can have.
    copy : bool
        Of no effect: nobody writes to a tensor, so that a copy is never told from the original.
    device : None or "cpu"
        The array API's; there is one device.

    Returns
    -------
    Tensor
        The same shape. Floats lose their fraction on the way to ints, complex numbers their
        imaginary part on the way to reals.

    Raises
    ------
    DTypeError
        `dtype` is no dtype of tensors, or there is no such device.

    Notes
    -----
    The cotangent is cast back. No gradient passes through an integer or a bool.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.5, -2.5])
    >>> df.evaluate(df.astype(x, "int64"))
    array([ 1, -2])
    """
    if device not in (None, "cpu"):
        msg = f"astype ({user_line()}): there is no device {device!r}, only 'cpu'"
        raise DTypeError(msg)
    try:
        target = as_dtype(dtype)
    except DTypeError as error:
        msg = f"astype ({user_line()}): {error}"
        raise DTypeError(msg) from None
    return x if x.dtype == target else apply(ASTYPE, (x,), Attrs(dtype=target.name))
