"""Complex numbers: their parts and conjugates, where derivatives are of two real numbers each.

Gradients follow PyTorch's convention: that of a real L by z = x + iy is ∂L/∂x + i ∂L/∂y.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply, call_function, promoted
from dataflow.dispatch import also_named, public
from dataflow.elementwise import batch_elementwise, elementwise_cost, elementwise_tiling
from dataflow.errors import DTypeError
from dataflow.operation import Alias, Op, register
from dataflow.ops.structure import check_inputs
from dataflow.sampling import COMPLEX, few, values
from dataflow.shapes import sum_to
from dataflow.spec import Spec, as_dtype, broadcast_shapes

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Array, Arrays, Call, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["complex", "conj", "conjugate", "imag", "real"]

_PART = {"complex64": "float32", "complex128": "float64"}
"""The dtype of a complex number's parts."""


def check_complex(specs: Specs) -> Spec:
    spec = check_inputs(specs)
    if spec.dtype.kind != "c":
        msg = f"slot 0 must be complex, not {spec.dtype}"
        raise DTypeError(msg)
    return spec


def _part_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_complex(specs)
    return (Spec(spec.shape, as_dtype(_PART[spec.dtype.name])),)


def _conj_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (check_complex(specs),)


def _only(
    application: Application, change: Tensor | None, rule: Callable[[Tensor], Tensor]
) -> list[Tensor | None]:
    return [None if change is None else rule(change)]


def _real_view(array: Array, spec: Spec, attrs: Attrs) -> Array:
    return array.real


def _imag_view(array: Array, spec: Spec, attrs: Attrs) -> Array:
    return array.imag


def _real_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(np.copyto, (outs[0], ins[0].real))]


def _imag_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(np.copyto, (outs[0], ins[0].imag))]


def _real_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return x.real


def _imag_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return x.imag


def _real_vjp(
    application: Application, cotangents: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    return _only(application, cotangents[0], lambda ct: ct.astype(application.inputs[0].dtype))


def _real_jvp(application: Application, tangents: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    return _only(application, tangents[0], real)


def _imag_vjp(
    application: Application, cotangents: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    return _only(application, cotangents[0], lambda ct: ct.astype(application.inputs[0].dtype) * 1j)


def _imag_jvp(application: Application, tangents: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    return _only(application, tangents[0], imag)


REAL = register(Op(
    name="real", label="Real", infer=_part_infer, kernel=_real_kernel, reference=_real_reference,
    vjp=_real_vjp, jvp=_real_jvp, batch=batch_elementwise, tiling=elementwise_tiling,
    cost=partial(elementwise_cost, 0), alias=Alias(0, _real_view),
    samples=values(-3, 3, dtypes=COMPLEX),
))  # fmt: skip

IMAG = register(Op(
    name="imag", label="Imag", infer=_part_infer, kernel=_imag_kernel, reference=_imag_reference,
    vjp=_imag_vjp, jvp=_imag_jvp, batch=batch_elementwise, tiling=elementwise_tiling,
    cost=partial(elementwise_cost, 0), alias=Alias(0, _imag_view),
    samples=values(-3, 3, dtypes=COMPLEX),
))  # fmt: skip


def _conj_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(np.conjugate, (ins[0], outs[0]))]


def _conj_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.asarray(np.conjugate(x))


def _conj_rule(application: Application, changes: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    return _only(application, changes[0], conj)


CONJ = register(Op(
    name="conj", label="Conj", infer=_conj_infer, kernel=_conj_kernel, reference=_conj_reference,
    vjp=_conj_rule, jvp=_conj_rule, batch=batch_elementwise, tiling=elementwise_tiling,
    cost=partial(elementwise_cost, 1), samples=values(-3, 3, dtypes=COMPLEX), inplace=(0,),
))  # fmt: skip


@public(np.real)
def real(x: Tensor) -> Tensor:
    """Return the real parts: a view; `x` itself where it is real.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1 + 2j])
    >>> df.evaluate(df.real(x))
    array([1.], dtype=float32)
    """
    return apply(REAL, (x,)) if x.dtype.kind == "c" else x


@public(np.imag)
def imag(x: Tensor) -> Tensor:
    """Return the imaginary parts: a view, or zeros where `x` is real.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1 + 2j])
    >>> df.evaluate(df.imag(x))
    array([2.], dtype=float32)
    """
    return apply(IMAG, (x,)) if x.dtype.kind == "c" else call_function("zeros_like", x)


@public(np.conjugate)
def conj(x: Tensor) -> Tensor:
    """Return the complex conjugates; `x` itself where it is real.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1 + 2j])
    >>> df.evaluate(df.conj(x))
    array([1.-2.j], dtype=complex64)
    """
    return apply(CONJ, (x,)) if x.dtype.kind == "c" else x


conjugate = also_named(conj, "conjugate")


# Made of two real numbers

_WHOLE = {part: whole for whole, part in _PART.items()}


def _complex_infer(specs: Specs, attrs: Attrs) -> Specs:
    first = check_inputs(specs, 2)
    dtypes = {spec.dtype.name for spec in specs}
    if len(dtypes) != 1 or not dtypes <= set(_WHOLE):
        msg = f"takes one of {', '.join(_WHOLE)}, the same in both slots: cast with astype"
        raise DTypeError(msg)
    shape = broadcast_shapes([spec.shape for spec in specs])
    return (Spec(shape, as_dtype(_WHOLE[first.dtype.name])),)


def _complex_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x, y) = outs, ins
    return [(np.copyto, (out.real, x)), (np.copyto, (out.imag, y))]


def _complex_reference(x: np.ndarray, y: np.ndarray, attrs: Attrs) -> np.ndarray:
    shape = np.broadcast_shapes(x.shape, y.shape)
    made = np.empty(shape, _WHOLE[x.dtype.name])
    made.real, made.imag = x, y
    return made


def _complex_vjp(
    application: Application, cotangents: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    (cotangent,) = cotangents
    return [
        sum_to(part(cotangent), x.shape) if needed and cotangent is not None else None
        for part, x, needed in zip((real, imag), application.inputs, application.needs, strict=True)
    ]


def _complex_jvp(
    application: Application, tangents: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    (x, y), (first, second) = application.inputs, tangents
    if first is None and second is None:
        return [None]
    zeros = partial(call_function, "zeros_like")
    return [complex(zeros(x) if first is None else first, zeros(y) if second is None else second)]


COMPLEX_OF = register(Op(
    name="complex", label="Complex", infer=_complex_infer, kernel=_complex_kernel,
    reference=_complex_reference, vjp=_complex_vjp, jvp=_complex_jvp, batch=batch_elementwise,
    tiling=elementwise_tiling, cost=partial(elementwise_cost, 0),
    samples=few((-3, 3), (-3, 3), dtypes=("float32", "float64")),
))  # fmt: skip


@public()
def complex(real: TensorLike, imag: TensorLike) -> Tensor:
    """Return ``real + 1j * imag`` with the very bits of both, as `torch.complex` does.

    Parameters
    ----------
    real, imag : tensor or array_like
        Real numbers whose shapes broadcast; float16 and integers become float32 or float64.

    Returns
    -------
    Tensor
        The broadcast shape; complex64 of float32, complex128 of float64.

    Raises
    ------
    ShapeError, DTypeError
        The shapes don't broadcast, or one is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.complex(x, -0.0))
    array([1.-0.j, 2.-0.j], dtype=complex64)
    """
    parts = promoted(COMPLEX_OF, None, real, imag)
    wide = np.result_type(parts[0].dtype, np.float32)
    return apply(COMPLEX_OF, [part.astype(wide) for part in parts])
