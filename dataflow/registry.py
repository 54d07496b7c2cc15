"""Looks up ops by name. Importing this module declares those whose names have no dot.

An op such as ``linalg.solve`` is declared when its family's package is first asked for: so a
replay loads no family that its plan doesn't use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dataflow.ops  # noqa: F401 - fills the registry
from dataflow.dispatch import FAMILIES, load_family
from dataflow.errors import GraphError
from dataflow.op import NEWEST, REGISTRY

if TYPE_CHECKING:
    from dataflow.op import Op

__all__ = ["get_op", "registered_ops"]


def get_op(name: str, version: int | None = None) -> Op:
    """Return an op by name, the newest version unless one is given.

    Raises
    ------
    GraphError
        There is no such op, or not in that version.

    Examples
    --------
    >>> get_op("add")
    Op('add', version=1)
    """
    if name not in NEWEST:
        load_family(name)
    op = NEWEST.get(name) if version is None else REGISTRY.get((name, version))
    if op is None:
        wanted = name if version is None else f"{name} version {version}"
        msg = f"there is no op {wanted!r}; is the module that declares it imported?"
        raise GraphError(msg)
    return op


def registered_ops() -> Mapping[str, Op]:
    """Return the newest version of every op, by name in sorted order."""
    for family in FAMILIES:
        load_family(f"{family}.*")
    return {name: NEWEST[name] for name in sorted(NEWEST)}
