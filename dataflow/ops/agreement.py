"""Whether two tensors agree, as one boolean tensor; and what is known of a tensor's kind of number.

NumPy gives Python's booleans here, which a tensor's values aren't there to give. Where the shapes
alone decide, the result is a constant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import call_function
from dataflow.dispatch import also_named, public
from dataflow.errors import ShapeError
from dataflow.spec import broadcast_shapes
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from dataflow.tensor import TensorLike

__all__ = ["allclose", "array_equal", "array_equiv", "is_complex", "iscomplexobj", "isrealobj"]


@public(np.allclose)
def allclose(
    a: TensorLike, b: TensorLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """Return whether all elements of two tensors are close; see `isclose`.

    Returns
    -------
    Tensor
        A boolean scalar.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.allclose(x, [1.0, 2.000001])).item()
    True
    """
    return call_function("all", call_function("isclose", a, b, rtol, atol, equal_nan))


@public(np.array_equal)
def array_equal(a1: TensorLike, a2: TensorLike, equal_nan: bool = False) -> Tensor:
    """Return whether two tensors have the same shape and the same elements.

    Parameters
    ----------
    a1, a2 : tensor or array_like
        Any shapes and dtypes.
    equal_nan : bool
        Whether a NaN equals a NaN.

    Returns
    -------
    Tensor
        A boolean scalar; a named dimension never equals another one.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.array_equal(x, [1, 2]), df.array_equal(x, [[1, 2]]))
    (array(True), array(False))
    """
    first, second = _tensors(a1, a2)
    if first.shape != second.shape:
        return first.builder.constant(False)  # noqa: FBT003 - a value
    same = first == second
    if equal_nan and first.spec.is_float and second.spec.is_float:
        same = same | (call_function("isnan", first) & call_function("isnan", second))
    return call_function("all", same)


@public(np.array_equiv)
def array_equiv(a1: TensorLike, a2: TensorLike) -> Tensor:
    """Return whether two tensors have the same elements once they are broadcast.

    Returns
    -------
    Tensor
        A boolean scalar; false where the shapes don't broadcast.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.array_equiv(x, [[1, 2], [1, 2]]), df.array_equiv(x, [1, 2, 3]))
    (array(True), array(False))
    """
    first, second = _tensors(a1, a2)
    try:
        broadcast_shapes([first.shape, second.shape])
    except ShapeError:
        return first.builder.constant(False)  # noqa: FBT003 - a value
    return call_function("all", first == second)


def _tensors(*values: TensorLike) -> list[Tensor]:
    builder = builder_of(*values)
    return [v if isinstance(v, Tensor) else builder.constant(np.asarray(v)) for v in values]


@public(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:  # noqa: ANN401 - as NumPy takes anything
    """Return whether the dtype is complex, which is known without values.

    Examples
    --------
    >>> import dataflow as df
    >>> df.iscomplexobj(df.GraphBuilder().constant(1j))
    True
    """
    return x.dtype.kind == "c" if isinstance(x, Tensor) else bool(np.iscomplexobj(x))


@public(np.isrealobj)
def isrealobj(x: Any) -> bool:  # noqa: ANN401 - as NumPy takes anything
    """Return whether the dtype isn't complex; see `iscomplexobj`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.isrealobj(df.GraphBuilder().constant(1j))
    False
    """
    return not iscomplexobj(x)


is_complex = also_named(iscomplexobj, "is_complex")
