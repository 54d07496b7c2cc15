"""What can be asked of our namespaces: their public names, and what the Array API standard asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dataflow import dtypes
from dataflow.current import current_builder
from dataflow.dispatch import FUNCTIONS, find_function
from dataflow.spec import DTYPES

if TYPE_CHECKING:
    import numpy as np

    from dataflow.tensor import Builder

__all__ = ["NamespaceInfo", "__array_api_version__", "__array_namespace_info__", "public_names"]

__array_api_version__ = "2024.12"


def public_names(namespace: Mapping[str, object]) -> list[str]:
    """Return what users call in a module: its classes, functions on tensors, layers' and schedules.

    Importing a package's module makes that an attribute of the package, and ``import *`` brings
    helpers that the modules share; ``dir(df.linalg)`` shall show neither.
    """
    family = str(namespace["__name__"]).rpartition(".")[2]

    def is_public(name: str, value: object) -> bool:
        home = str(getattr(value, "__module__", ""))
        entered = value in (FUNCTIONS.get(f"{family}.{name}"), FUNCTIONS.get(name))
        is_class = isinstance(value, type) and home.startswith("dataflow.")
        return entered or is_class or home.startswith(("dataflow.nn.", "dataflow.optim."))

    return sorted(n for n, value in namespace.items() if n[0] != "_" and is_public(n, value))


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
