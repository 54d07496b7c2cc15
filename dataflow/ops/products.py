"""prod: axes multiplied, right where elements are zero.

The derivative by one element is the product of the others. It is multiplied up from both sides, by
running products that leave out the element itself, not divided out of the whole: so it is right
where elements are zero, at every order.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, as_tensor
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.operation import Sample
from dataflow.ops.axes import transpose
from dataflow.ops.cumulative import cumprod
from dataflow.ops.reducing import (
    SAMPLE_ROWS,
    kept,
    reduction,
    spread,
    wide_infer,
    wide_kernel,
    wide_reference,
    wide_workspace,
)
from dataflow.ops.reductions import sum
from dataflow.ops.shaping import reshape
from dataflow.shapes import reduced_axes
from dataflow.spec import DTYPES

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.ops.reducing import Axis
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["prod"]


def _others(application: Application) -> Tensor:
    """Return for every element the product of the others over the axes."""
    (x,), axes = application.inputs, application.attrs.integers("axes")
    order = [*(i for i in range(x.ndim) if i not in axes), *axes]
    last = _ordered(x, order)
    left = last.shape[: x.ndim - len(axes)]
    line = reshape(last, (*left, product(last.shape[len(left) :])))
    before, after = (cumprod(line, -1, reverse=end, exclusive=True) for end in (False, True))
    return _ordered(reshape(before * after, last.shape), [order.index(i) for i in range(x.ndim)])


def _ordered(x: Tensor, order: list[int]) -> Tensor:
    return x if order == sorted(order) else transpose(x, order)


def _back(application: Application, cotangent: Tensor) -> Tensor:
    return _others(application) * spread(application, cotangent)


def _forth(application: Application, tangent: Tensor) -> Tensor:
    attrs = application.attrs
    return sum(
        _others(application) * tangent, attrs.integers("axes"), keepdims=attrs.flag("keepdims")
    )


def _samples(rng: np.random.Generator) -> list[Sample]:
    made = []
    for dtype in DTYPES:
        for shape, attrs in SAMPLE_ROWS:
            is_float = dtype[0] in "fc"
            x = np.asarray(rng.uniform(0.5, 1, shape) if is_float else rng.integers(0, 3, shape))
            made.append(Sample((x.astype(dtype),), attrs, is_float))
    for zeros in (1, 2):
        x = rng.uniform(0.5, 1.5, (2, 4))
        x[0, 1 : 1 + zeros] = 0
        made.append(Sample((x,), Attrs(axes=(1,), keepdims=False)))
    return made


PROD = reduction(
    "prod", "Prod", infer=wide_infer, kernel=partial(wide_kernel, np.multiply),
    reference=partial(wide_reference, np.multiply), maps=(_back, _forth), combine="multiply",
    samples=_samples, workspace=partial(wide_workspace, wide_infer),
)  # fmt: skip


@public(np.prod)
def prod(
    x: Tensor, axis: Axis = None, dtype: object = None, *, keepdims: bool = False,
    initial: TensorLike | None = None, where: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the product over axes; see `sum` for the parameters, dtypes and errors.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.prod(x, axis=0))
    array([3, 8])
    """
    source = kept(x if dtype is None else x.astype(dtype), where, 1)
    found = apply(PROD, (source,), Attrs(axes=reduced_axes(axis, x.ndim), keepdims=keepdims))
    found = found if dtype is None else found.astype(dtype)
    return found if initial is None else found * as_tensor(initial, found).astype(found.dtype)
