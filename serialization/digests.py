"""SHA-256 digests of what a file says, whatever its bytes look like.

The digest of a column covers its logical content alone: Arrow may pad buffers, leave out a
validity bitmap that has no nulls, or begin in the middle of a buffer, and the digest is the same.
A file's structure digest covers all columns but the tensors' bytes, which have digests of their
own *in* a column, and the user's source lines, so that moving a comment changes no digest.

docs/format.md says the same in words, so that others can check a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from serialization.arrays import Array, bounds, fields, inner, numbers, validity

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

__all__ = ["columns_digest", "tensor_digest"]


def columns_digest(columns: Iterable[Array]) -> str:
    """Return the digest of the logical content of columns, as 64 hexadecimal digits.

    Examples
    --------
    >>> whole = pa.array([None, "a", "b"])
    >>> columns_digest([whole.slice(1)]) == columns_digest([pa.array(["a", "b"])])
    True
    """
    digest = hashlib.sha256()
    for column in columns:
        digest.update(validity(column).data)
        _feed(digest, column)
    return digest.hexdigest()


def tensor_digest(data: np.ndarray) -> str:
    """Return the digest of a tensor's bytes (uint8, one axis), in C order, without padding."""
    return hashlib.sha256(data.data).hexdigest()


def _feed(digest: Hash, array: Array) -> None:
    digest.update(len(array).to_bytes(8, "little"))
    if pa.types.is_struct(array.type):
        for field in fields(array):
            _feed(digest, field)
    elif pa.types.is_list(array.type) or pa.types.is_string(array.type):
        digest.update(np.diff(bounds(array)).astype("<i8").data)
        if pa.types.is_list(array.type):
            _feed(digest, inner(array))
        else:
            digest.update(inner(array))
    else:
        values = numbers(array)
        digest.update(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).data)
