"""Copies: what the planner inserts where a value must not share memory with another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply
from dataflow.dispatch import also_named, public
from dataflow.elementwise import batch_elementwise, elementwise_tiling, maps_jvp, maps_vjp
from dataflow.operation import Application, Op, Specs, register
from dataflow.ops.structure import copy_cost, copy_kernel
from dataflow.sampling import values
from dataflow.spec import DTYPES

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.tensor import Tensor

__all__ = ["clone", "copy"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    return specs


def _reference(array: np.ndarray, *, attrs: Attrs) -> np.ndarray:
    return np.copy(array)


def _keep(application: Application, change: Tensor) -> Tensor:
    return change


COPY = register(Op(
    name="copy", label="Clone", infer=_infer, kernel=copy_kernel, reference=_reference,
    vjp=maps_vjp((_keep,)), jvp=maps_jvp((_keep,)), batch=batch_elementwise,
    tiling=elementwise_tiling, cost=copy_cost, samples=values(-3, 3, dtypes=DTYPES), inplace=(0,),
    moves=True,
))  # fmt: skip


@public(np.copy)
def copy(x: Tensor) -> Tensor:
    """Return the same values in memory of their own, laid out row by row.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.

    Returns
    -------
    Tensor
        The same shape and dtype; gradients pass through.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.copy(x))
    array([1., 2.], dtype=float32)
    """
    return apply(COPY, (x,))


clone = also_named(copy, "clone")
