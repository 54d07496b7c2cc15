"""`Spec`: what is known of a tensor before it exists, its shape and its dtype."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from dataflow.dim_texts import as_dim
from dataflow.dims import Dim, DimLike, Shape, bind_dim, product
from dataflow.errors import DTypeError, ShapeError

__all__ = [
    "BFLOAT16", "DTYPES", "Spec", "as_dtype", "as_shape", "broadcast_shapes", "is_bfloat16",
    "is_dtype", "shape_text",
]  # fmt: skip

DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
          "float16", "float32", "float64", "complex64", "complex128")  # fmt: skip
"""The names of the dtypes that tensors can have, NumPy's own."""

BFLOAT16 = "bfloat16"
"""The name of one more, where ml_dtypes is installed."""


class Spec(NamedTuple):
    """The shape and dtype of a tensor.

    Parameters
    ----------
    shape : tuple of int or Dim
        One entry an axis.
    dtype : numpy.dtype
        One of `DTYPES`, in the machine's byte order.

    Examples
    --------
    >>> Spec.of(("batch", 3), "float32")
    Spec('float32[batch, 3]')
    """

    shape: Shape
    dtype: np.dtype

    @classmethod
    def of(cls, shape: DimLike | Iterable[DimLike], dtype: object) -> Spec:
        """Make a spec from whatever stands for a shape and a dtype; see `as_shape`, `as_dtype`."""
        return cls(as_shape(shape), as_dtype(dtype))

    @classmethod
    def like(cls, array: np.ndarray) -> Spec:
        """Return the spec of an array."""
        return cls(array.shape, as_dtype(array.dtype))

    def __repr__(self) -> str:
        return f"Spec({str(self)!r})"

    def __str__(self) -> str:
        return f"{self.dtype}{shape_text(self.shape)}"

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int | Dim:
        """The number of elements."""
        return product(self.shape)

    @property
    def is_static(self) -> bool:
        """Whether no dimension depends on a name."""
        return not any(isinstance(dim, Dim) for dim in self.shape)

    @property
    def is_float(self) -> bool:
        """Whether the dtype is real or complex floating point, so that derivatives exist."""
        return self.dtype.kind in "fc" or is_bfloat16(self.dtype)

    @property
    def static_shape(self) -> tuple[int, ...]:
        """The shape as ints; `ShapeError` where a dimension is not bound."""
        for dim in self.shape:
            if not isinstance(dim, int):
                msg = f"the size of dimension {dim} is not bound: pass dims={{...}} to compile"
                raise ShapeError(msg)
        return self.shape  # type: ignore[return-value]  # just checked, one by one

    @property
    def nbytes(self) -> int:
        """The number of bytes of a contiguous array of this spec; the shape must be static."""
        return _nbytes(self)

    def names(self) -> frozenset[str]:
        """Return the names of dimensions in the shape."""
        return frozenset[str]().union(*(d.names() for d in self.shape if isinstance(d, Dim)))

    def bind(self, sizes: Mapping[str, int | Dim]) -> Spec:
        """Return this spec with the named dimensions in `sizes` replaced by their sizes."""
        if self.is_static:
            return self
        return Spec(tuple(bind_dim(dim, sizes) for dim in self.shape), self.dtype)

    def with_shape(self, shape: Shape) -> Spec:
        """Return a spec of the same dtype and another shape."""
        return Spec(shape, self.dtype)


@lru_cache(maxsize=4096)  # a graph of many nodes has few specs
def _nbytes(spec: Spec) -> int:
    size = spec.dtype.itemsize
    for dim in spec.static_shape:
        size *= dim
    return size


def as_shape(shape: DimLike | Iterable[DimLike]) -> Shape:
    """Turn one dimension or several into a shape.

    Raises
    ------
    ShapeError
        An entry is no dimension.

    Examples
    --------
    >>> as_shape(3), as_shape(("batch", 2))
    ((3,), (Dim('batch'), 2))
    """
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    if isinstance(shape, (str, Dim)) or hasattr(shape, "__index__"):
        return (as_dim(shape),)  # type: ignore[arg-type]  # a single dimension
    if not isinstance(shape, Iterable) or isinstance(shape, bytes | Mapping | AbstractSet):
        msg = f"a shape is a dimension or a sequence of them, not {shape!r}"
        raise ShapeError(msg)
    return tuple(as_dim(dim) for dim in shape)


def as_dtype(dtype: object) -> np.dtype:
    """Turn a dtype's name, type or instance into one of `DTYPES`, in native byte order.

    Raises
    ------
    DTypeError
        It is no dtype, or one that tensors can't have (objects, strings, dates).

    Examples
    --------
    >>> as_dtype("float32")
    dtype('float32')
    """
    try:
        return _native_dtype(dtype)
    except DTypeError:
        raise
    except (TypeError, ValueError, SyntaxError) as error:
        msg = f"{dtype!r} is not a dtype of tensors: use one of {', '.join((*DTYPES, BFLOAT16))}"
        raise DTypeError(msg) from error


@lru_cache(maxsize=256)
def _native_dtype(dtype: object) -> np.dtype:
    if dtype == BFLOAT16:
        _import_bfloat16()
    native: np.dtype = np.dtype(dtype).newbyteorder("=")  # type: ignore[call-overload]  # or TypeError
    if dtype is None or not is_dtype(native):
        raise TypeError(dtype)
    return native


def is_dtype(dtype: np.dtype) -> bool:
    """Say whether tensors can have a dtype of NumPy's, in its byte order."""
    return dtype.name in (*DTYPES, BFLOAT16) and dtype.isnative


def _import_bfloat16() -> None:
    """Let NumPy know the dtype by its name."""
    try:
        importlib.import_module("ml_dtypes")
    except ImportError:
        msg = "the dtype bfloat16 needs the package ml_dtypes: pip install ml_dtypes"
        raise DTypeError(msg) from None


def is_bfloat16(dtype: np.dtype) -> bool:
    """Say whether a dtype of tensors is bfloat16, the only one that NumPy calls void."""
    return dtype.kind == "V"


def broadcast_shapes(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that NumPy's broadcasting gives; a named dimension never counts as 1.

    Raises
    ------
    ShapeError
        Two dimensions on one axis differ and neither is the literal 1.

    Examples
    --------
    >>> broadcast_shapes([(as_dim("batch"), 1), (3,)])
    (Dim('batch'), 3)
    """
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    ndim = max(len(shape) for shape in shapes)
    result: list[int | Dim] = [1] * ndim
    for shape in shapes:
        for axis, dim in enumerate(shape, start=ndim - len(shape)):
            if result[axis] == 1:
                result[axis] = dim
            elif dim not in (1, result[axis]):
                texts = " and ".join(shape_text(shape) for shape in shapes)
                msg = (f"shapes {texts} don't broadcast: {result[axis]} and {dim} differ "
                       f"on axis {axis - ndim} and neither is 1")  # fmt: skip
                raise ShapeError(msg)
    return tuple(result)


def shape_text(shape: Shape) -> str:
    """Return a shape as people read it: ``[batch, 64]``."""
    return f"[{', '.join(map(str, shape))}]"
