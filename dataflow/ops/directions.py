"""The direction of complex numbers: as numbers of modulus 1, and as angles."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.elementwise import (
    batch_elementwise,
    elementwise_cost,
    elementwise_tiling,
)
from dataflow.operation import Op, register
from dataflow.ops.complex_numbers import check_complex, conj, imag, real
from dataflow.sampling import COMPLEX, few

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__ = ["angle"]


def _sgn_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (check_complex(specs),)


def _sgn_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(np.sign, (ins[0], outs[0]))]


def _sgn_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.asarray(np.sign(x))


def _turned(application: Application, change: Tensor) -> Tensor:
    """Return the part of a change that turns x, over |x|. As a map of two reals it is symmetric."""
    (x,), (direction,) = application.inputs, application.outputs
    size = abs(x)
    is_zero = call_function("equal", size, 0)
    along = real(conj(direction) * change)
    turned = (change - direction * along) / call_function("where", is_zero, 1, size)
    return call_function("where", is_zero, 0, turned)


def _sgn_rule(application: Application, changes: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    return [None if changes[0] is None else _turned(application, changes[0])]


SGN = register(Op(
    name="complex_sign", label="Sgn", infer=_sgn_infer, kernel=_sgn_kernel,
    reference=_sgn_reference, vjp=_sgn_rule, jvp=_sgn_rule, batch=batch_elementwise,
    tiling=elementwise_tiling, cost=partial(elementwise_cost, 8), inplace=(0,),
    samples=few((-3, 3), dtypes=COMPLEX),
))  # fmt: skip


@public(np.angle)
def angle(z: Tensor, deg: bool = False) -> Tensor:
    """Return the angle of complex numbers from the positive real axis, between -π and π.

    Parameters
    ----------
    z : Tensor
        Any shape; real numbers have the angle 0 or π.
    deg : bool
        Whether to return degrees.

    Returns
    -------
    Tensor
        Floats of the same shape. The derivative at 0 is 0.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1j, -1.0])
    >>> df.evaluate(df.angle(z, deg=True))
    array([ 90., 180.], dtype=float32)
    """
    found: Tensor = call_function("atan2", imag(z) if z.dtype.kind == "c" else 0, real(z))
    return found * (180 / np.pi) if deg else found
