"""What the distributions share: the shape of a draw, its parameters, and standard draws moved.

Draws that are continuous are made in 64 bits whatever their dtype, and cast at the end: 24 bits of
a float32 would cut an exponential's tail off at 17.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dataflow.calling import as_tensor
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.ops.casting import astype
from dataflow.ops.draws import RAND
from dataflow.ops.random.keys import draw
from dataflow.ops.selection import maximum
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.source import user_line
from dataflow.spec import as_dtype, as_shape, broadcast_shapes, shape_text
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.dims import DimLike, Shape
    from dataflow.tensor import TensorLike

__all__ = [
    "ShapeLike",
    "float_dtype",
    "integer_dtype",
    "open_units",
    "parameter",
    "shape_of",
    "shifted",
]

ShapeLike: TypeAlias = "int | str | Sequence[DimLike] | None"

_HALF_STEP = 2.0**-54


def shape_of(name: str, key: Tensor, shape: ShapeLike, *parameters: TensorLike) -> Shape:
    """Return the shape of what each key draws: by default that of the parameters, broadcast.

    Raises
    ------
    ShapeError
        It is no shape, or the parameters don't broadcast to it.
    """
    given = [p.shape if isinstance(p, Tensor) else np.shape(p) for p in parameters]
    try:
        wanted = broadcast_shapes([(), *given]) if shape is None else as_shape(shape)
        whole = (*key.shape, *wanted)
        fits = broadcast_shapes([whole, *given]) == whole
    except GraphError as error:
        msg = f"{name} ({user_line()}): {error}"
        raise type(error)(msg) from None
    if not fits:
        texts = " and ".join(map(shape_text, given))
        msg = f"{name} ({user_line()}): parameters {texts} don't broadcast to {shape_text(whole)}"
        raise ShapeError(msg)
    return wanted


def float_dtype(name: str, dtype: object) -> np.dtype:
    """Return a dtype that continuous draws can have."""
    try:
        found = as_dtype(dtype)
    except DTypeError as error:
        msg = f"{name} ({user_line()}): {error}"
        raise DTypeError(msg) from None
    if found.name not in FLOATS:
        msg = f"{name} ({user_line()}) draws {', '.join(FLOATS)}, not {found}"
        raise DTypeError(msg)
    return found


def integer_dtype(name: str, dtype: object) -> np.dtype:
    """Return a dtype that integer draws can have."""
    kind = as_dtype(dtype)
    if kind.name not in INTEGERS:
        msg = f"{name} ({user_line()}) draws {', '.join(INTEGERS)}, not {kind}"
        raise DTypeError(msg)
    return kind


def parameter(value: TensorLike, key: Tensor, dtype: np.dtype) -> Tensor:
    """Return a distribution's parameter as a tensor of the dtype that is drawn."""
    if not isinstance(value, Tensor):
        return key.builder.constant(value, dtype=dtype)
    return astype(value, dtype)


def shifted(x: Tensor, key: Tensor, loc: TensorLike, scale: TensorLike) -> Tensor:
    """Return ``loc + scale * x``, with no node for a `loc` of 0 or a `scale` of 1."""
    if not _is_number(scale, 1):
        x = x * parameter(scale, key, x.dtype)
    return x if _is_number(loc, 0) else x + parameter(loc, key, x.dtype)


def _is_number(value: TensorLike, number: int) -> bool:
    return isinstance(value, (int, float)) and value == number


def open_units(key: Tensor, shape: Shape) -> Tensor:
    """Return uniform float64 draws between 0 and 1, neither included."""
    return maximum(draw(RAND, key, shape, "float64"), as_tensor(np.float64(_HALF_STEP), key))
