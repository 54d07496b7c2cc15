"""The bytes of a file as read-only arrays, without a copy."""

from __future__ import annotations

import math
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.errors import DTypeError, FileFormatError
from dataflow.spec import BFLOAT16, DTYPES, Spec, as_dtype
from serialization.arrays import bounds, inner
from serialization.digests import tensor_digest
from serialization.layout import ALIGNMENT, Row

if TYPE_CHECKING:
    from serialization.reading import Table

__all__ = ["Tensors", "static_spec"]

_MOST_BYTES = 2**63 - 1


@lru_cache(maxsize=4096)
def static_spec(dtype: str, sizes: tuple[int, ...]) -> Spec:
    """Return a spec of a file's dtype and shape.

    Raises
    ------
    FileFormatError
        The dtype is unknown, a dimension is negative, or the bytes don't fit 64 bits.
    """
    known = _known_dtype(dtype)
    if any(size < 0 for size in sizes):
        msg = f"shape {list(sizes)} has a negative dimension"
        raise FileFormatError(msg)
    # Dimensions of 0 aside: the others alone must not overflow NumPy's strides.
    if math.prod(size or 1 for size in sizes) * known.itemsize > _MOST_BYTES:
        msg = f"shape {list(sizes)} of {dtype} has more bytes than 64 bits can count"
        raise FileFormatError(msg)
    return Spec(sizes, known)


def _known_dtype(name: str) -> np.dtype:
    if name not in (*DTYPES, BFLOAT16):
        msg = f"dtype {name!r} is none of {', '.join((*DTYPES, BFLOAT16))}"
        raise FileFormatError(msg)
    try:
        return as_dtype(name)
    except DTypeError as error:  # it needs a package
        raise FileFormatError(str(error)) from None


class Tensors:
    """The tensors of a table.

    Parameters
    ----------
    table : Table
        The rows.
    verify : bool
        Whether each tensor's digest is checked, which reads all its bytes.
    """

    def __init__(self, table: Table, *, verify: bool) -> None:
        self._table = table
        self._verify = verify

    @cached_property
    def _bounds(self) -> list[int]:
        return [int(place) for place in bounds(self._table.data)]

    @cached_property
    def _bytes(self) -> np.ndarray:
        data: Any = inner(self._table.data)
        array = np.frombuffer(data, np.uint8)
        array.setflags(write=False)
        return array

    def array(self, row: Row, spec: Spec) -> np.ndarray:
        """Return the tensor of a row, a read-only view of the file.

        Raises
        ------
        FileFormatError
            The bytes are too few, too many, misaligned, altered, or no bools where bools are due.
        """
        start, end = self._bounds[row["row"]], self._bounds[row["row"] + 1]
        nbytes = row["nbytes"]
        if nbytes != spec.nbytes or end - start != -(-nbytes // ALIGNMENT) * ALIGNMENT:
            msg = f"{spec} has {spec.nbytes} bytes; the row says {nbytes}, its data {end - start}"
            raise FileFormatError(msg)
        data = self._bytes[start : start + nbytes]
        if nbytes and data.ctypes.data % ALIGNMENT:
            msg = f"the data is not aligned to {ALIGNMENT} bytes"
            raise FileFormatError(msg)
        if self._verify and tensor_digest(data) != row["digest"]:
            msg = f"the tensor was altered or damaged: its digest is {tensor_digest(data)}"
            raise FileFormatError(msg)
        if spec.dtype == np.bool_ and (data > 1).any():  # NumPy trusts bools to be 0 or 1
            msg = "a bool is neither 0 nor 1"
            raise FileFormatError(msg)
        return data.view(spec.dtype).reshape(spec.static_shape)
