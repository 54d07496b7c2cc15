"""Complex numbers: their parts and conjugates, where derivatives are of two real numbers each.

Gradients follow PyTorch's convention: that of a real L by z = x + iy is ∂L/∂x + i ∂L/∂y.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.elementwise import batch_elementwise, elementwise_cost, elementwise_tiling
from dataflow.errors import DTypeError
from dataflow.op import Alias, Op, register
from dataflow.ops.structure import check_inputs
from dataflow.sampling import COMPLEX, values
from dataflow.spec import Spec, as_dtype

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.attrs import Attrs
    from dataflow.op import Application, Array, Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__ = ["conj", "imag", "real"]

_PART = {"complex64": "float32", "complex128": "float64"}
"""The dtype of a complex number's parts."""


def _check_complex(specs: Specs) -> Spec:
    spec = check_inputs(specs)
    if spec.dtype.kind != "c":
        msg = f"slot 0 must be complex, not {spec.dtype}"
        raise DTypeError(msg)
    return spec


def _part_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = _check_complex(specs)
    return (Spec(spec.shape, as_dtype(_PART[spec.dtype.name])),)


def _conj_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (_check_complex(specs),)


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
    array([1.])
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
    array([2.])
    """
    return apply(IMAG, (x,)) if x.dtype.kind == "c" else x * 0


@public(np.conjugate)
def conj(x: Tensor) -> Tensor:
    """Return the complex conjugates; `x` itself where it is real.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1 + 2j])
    >>> df.evaluate(df.conj(x))
    array([1.-2.j])
    """
    return apply(CONJ, (x,)) if x.dtype.kind == "c" else x
