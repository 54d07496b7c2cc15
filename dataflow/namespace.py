"""What can be asked of our namespaces: their public names, and what the Array API standard asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dataflow import dtypes
from dataflow.current import current_builder
from dataflow.dispatch import find_function
from dataflow.spec import DTYPES

if TYPE_CHECKING:
    import numpy as np

    from dataflow.tensor import Builder

__all__ = ["NamespaceInfo", "__array_api_version__", "__array_namespace_info__", "public_names"]

__array_api_version__ = "2024.12"


def public_names(namespace: Mapping[str, object]) -> list[str]:
    """Return the names of the functions and classes of ours in a module, without its modules.

    Importing a package's module makes that an attribute of the package; ``dir(df.linalg)`` shall
    show what users call.
    """
    return sorted(
        name for name, value in namespace.items()
        if not name.startswith("_") and str(getattr(value, "__module__", "")).startswith("dataflow")
    )  # fmt: skip


class NamespaceInfo:
    """The answers, in the standard's words; a device is a builder."""

    def capabilities(self) -> dict[str, bool | int]:
        """Return what is offered: shapes are known before data is, so none depend on it."""
        return {"boolean indexing": False, "data-dependent shapes": False, "max dimensions": 64}

    def default_device(self) -> Builder | None:
        """Return the builder of the ``with`` block around, None outside of one."""
        return current_builder()

    def devices(self) -> list[Builder | None]:
        """Return the default device alone: builders aren't listed."""
        return [current_builder()]

    def default_dtypes(
        self, *, device: Builder | None = None,  # noqa: ARG002 - the standard's signature
    ) -> dict[str, np.dtype]:  # fmt: skip
        """Return the dtypes of Python's numbers and of indices."""
        return {
            "real floating": dtypes.float32, "complex floating": dtypes.complex64,
            "integral": dtypes.int64, "indexing": dtypes.int64,
        }  # fmt: skip

    def dtypes(
        self, *, device: Builder | None = None,  # noqa: ARG002 - the standard's signature
        kind: str | tuple[str, ...] | None = None,
    ) -> dict[str, np.dtype]:  # fmt: skip
        """Return the standard's dtypes by name, all or those of a kind; see `dataflow.isdtype`."""
        isdtype = find_function("isdtype")
        found = {n: getattr(dtypes, n) for n in DTYPES if n != "float16"}  # not in the standard
        return {n: dtype for n, dtype in found.items() if kind is None or isdtype(dtype, kind)}


def __array_namespace_info__() -> NamespaceInfo:  # noqa: N807 - the standard's name
    """Return what can be asked about this namespace; the standard's name.

    Examples
    --------
    >>> import dataflow as df
    >>> df.__array_namespace_info__().default_dtypes()["integral"]
    dtype('int64')
    """
    return NamespaceInfo()
