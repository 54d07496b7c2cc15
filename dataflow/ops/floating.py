"""Floating-point numbers taken apart: signs, neighbours, powers of two, what isn't finite."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply, as_tensor, binary, call_function, promoted, unary
from dataflow.dispatch import public
from dataflow.elementwise import (
    batch_elementwise,
    elementwise,
    elementwise_cost,
    elementwise_tiling,
    maps_jvp,
    maps_vjp,
)
from dataflow.errors import DTypeError
from dataflow.operation import Absent, Op, Sample, Workspace, register
from dataflow.ops.arithmetic import sign
from dataflow.ops.casting import astype
from dataflow.ops.comparison import equal
from dataflow.ops.finiteness import class_kernel, class_workspace, isnan
from dataflow.ops.selection import where
from dataflow.ops.structure import check_inputs
from dataflow.sampling import FLOATS, few
from dataflow.source import user_line
from dataflow.spec import Spec, is_bfloat16
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import TensorLike

__all__ = ["copysign", "frexp", "ldexp", "nan_to_num", "nextafter", "signbit", "spacing"]


_BFLOAT16_MAX = float.fromhex("0x1.fep127")


def _by_both_signs(application: Application, change: Tensor) -> Tensor:
    a, b = application.inputs
    return change * copysign(1.0, b) * sign(a)


COPYSIGN = elementwise(
    "copysign", np.copysign, "Copysign", (_by_both_signs, None), samples=few((-3, -0.5), (0.5, 3))
)


@public(np.copysign)
def copysign(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return the size of `a` with the sign of `b`, element by element, also of zeros and NaNs.

    Parameters
    ----------
    a, b : tensor or array_like
        Real numbers whose shapes broadcast; integers become floats.

    Returns
    -------
    Tensor
        The broadcast shape. The derivative by `a` is 1 or -1, and 0 at ``a == 0``; that by `b`
        is 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -2.0])
    >>> df.evaluate(df.copysign(x, -0.0))
    array([-1., -2.], dtype=float32)
    """
    return binary(COPYSIGN, np.copysign, a, b)


def _keep(application: Application, change: Tensor) -> Tensor:
    return change


NEXTAFTER = elementwise(
    "nextafter", np.nextafter, "Nextafter", (_keep, None), samples=few((0.5, 3), (-3, 3))
)


@public(np.nextafter)
def nextafter(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return the floating-point number that follows `a` on the way to `b`.

    See `copysign` for shapes and dtypes. The derivative by `a` is 1, that by `b` is 0.

    Raises
    ------
    DTypeError
        A tensor is complex, or bfloat16, whose neighbours NumPy doesn't know.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 0.0])
    >>> df.evaluate(df.nextafter(x, 2.0))
    array([1.0000001e+00, 1.4012985e-45], dtype=float32)
    """
    if any(isinstance(t, Tensor) and is_bfloat16(t.dtype) for t in (a, b)):
        msg = f"nextafter ({user_line()}): NumPy has none of bfloat16: cast it with astype"
        raise DTypeError(msg)
    return binary(NEXTAFTER, np.nextafter, a, b)


SPACING = elementwise(
    "spacing", np.spacing, "Spacing", (None,), samples=few((0.5, 0.9)),
    ulps=Absent("it is another number in every dtype"),
)  # fmt: skip


@public(np.spacing)
def spacing(x: TensorLike, /) -> Tensor:
    """Return how far the next floating-point number away from 0 is, with the sign of `x`.

    NaN at infinity. The derivative is 0, as of steps.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -2.0])
    >>> df.evaluate(df.spacing(x))
    array([ 1.1920929e-07, -2.3841858e-07], dtype=float32)
    """
    return unary(SPACING, np.spacing, x)


SIGNBIT = elementwise(
    "signbit", np.signbit, "Signbit", (None,), kernel=partial(class_kernel, np.signbit),
    workspace=class_workspace, inplace=(), samples=few((-3, 3), smooth=False),
)  # fmt: skip


@public(np.signbit)
def signbit(x: TensorLike, /) -> Tensor:
    """Return which elements have a minus sign, -0.0 and such NaNs among them, as bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -0.0])
    >>> df.evaluate(df.signbit(x))
    array([False,  True])
    """
    return unary(SIGNBIT, np.signbit, x)


def _scaled(application: Application, change: Tensor) -> Tensor:
    return ldexp(change, application.inputs[1])


def _ldexp_samples(rng: np.random.Generator) -> list[Sample]:
    made = []
    shapes = (((3, 4), (3, 4)), ((), ()), ((0, 3), (3,)), ((4,), (3, 1)))
    rows = [(d, "int32", shapes[0]) for d in FLOATS]
    for dtype, whole, (x, n) in [*rows, *(("float64", "int64", pair) for pair in shapes)]:
        exponent = np.asarray(rng.integers(-3, 4, n)).astype(whole)
        made.append(Sample((np.asarray(rng.uniform(-3, 3, x)).astype(dtype), exponent)))
    return made


LDEXP = elementwise(
    "ldexp", np.ldexp, "Ldexp", (_scaled, None), inplace=(0,), samples=_ldexp_samples
)


@public(np.ldexp)
def ldexp(x: TensorLike, n: TensorLike, /) -> Tensor:
    """Return ``x * 2 ** n``, exact unless the result over- or underflows.

    Parameters
    ----------
    x : tensor or array_like
        Real numbers; integers become floats.
    n : tensor or array_like
        Integers, whose shape broadcasts with that of `x`.

    Returns
    -------
    Tensor
        The broadcast shape and the dtype of `x`.

    Raises
    ------
    DTypeError
        `n` isn't of integers.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.75, -3.0])
    >>> df.evaluate(df.ldexp(x, 2))
    array([  3., -12.], dtype=float32)
    """
    return binary(LDEXP, np.ldexp, x, n)


def _exponent_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    if spec.dtype.name not in FLOATS:
        msg = f"takes one of {', '.join(FLOATS)}, not {spec.dtype}: cast it with astype"
        raise DTypeError(msg)
    return (Spec(spec.shape, np.dtype(np.int32)),)


def _exponent_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(np.frexp, (ins[0], scratch[0], outs[0]))]


def _exponent_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.asarray(np.frexp(x)[1])


def _exponent_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace(specs)


EXPONENT = register(Op(
    name="exponent", label="Exponent", infer=_exponent_infer, kernel=_exponent_kernel,
    reference=_exponent_reference, vjp=maps_vjp((None,)), jvp=maps_jvp((None,)),
    batch=batch_elementwise, tiling=elementwise_tiling, cost=partial(elementwise_cost, 1),
    samples=few((0.5, 0.9), smooth=False), workspace=_exponent_workspace, is_flat=True,
))  # fmt: skip


@public(np.frexp)
def frexp(x: TensorLike, /) -> tuple[Tensor, Tensor]:
    """Return mantissas from 1/2 to 1, and the powers of two that they are multiplied by.

    Parameters
    ----------
    x : tensor or array_like
        Real numbers of any shape; integers become floats.

    Returns
    -------
    mantissa : Tensor
        Floats with the sign of `x`; 0, infinities and NaN are their own. The derivative is that of
        ``x * 2 ** -exponent`` with the exponent held.
    exponent : Tensor
        int32.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([6.0, -0.25])
    >>> df.evaluate(*df.frexp(x))
    (array([ 0.75, -0.5 ], dtype=float32), array([ 3, -1], dtype=int32))
    """
    (floats,) = promoted(EXPONENT, np.frexp, x)
    exponent = apply(EXPONENT, (floats,))
    return ldexp(floats, -exponent), exponent


@public(np.nan_to_num)
def nan_to_num(
    x: Tensor, copy: bool = True, nan: TensorLike = 0.0, posinf: TensorLike | None = None,
    neginf: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return `x` with numbers in the place of NaN and infinities.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype; integers and bools are returned as they are. Of complex numbers the
        parts are replaced each for itself.
    copy : bool
        Of no effect, as in every graph: nobody writes to a tensor.
    nan : tensor or array_like
        What stands for NaN.
    posinf, neginf : tensor or array_like, optional
        What stands for inf and -inf; by default the largest and the smallest finite number.

    Returns
    -------
    Tensor
        The same shape and dtype. What was replaced has a derivative of 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), float("-inf")])
    >>> df.evaluate(df.nan_to_num(x, neginf=-9))
    array([ 1.,  0., -9.], dtype=float32)
    """
    if not x.spec.is_float:
        return x
    if x.dtype.kind == "c":
        parts = (call_function(part, x) for part in ("real", "imag"))
        return call_function("complex", *[nan_to_num(p, copy, nan, posinf, neginf) for p in parts])
    largest = _BFLOAT16_MAX if is_bfloat16(x.dtype) else float(np.finfo(x.dtype).max)
    x = where(isnan(x), _like(nan, x), x)
    x = where(equal(x, np.inf), _like(largest if posinf is None else posinf, x), x)
    return where(equal(x, -np.inf), _like(-largest if neginf is None else neginf, x), x)


def _like(value: TensorLike, x: Tensor) -> Tensor:
    return astype(as_tensor(value, x), x.dtype)
