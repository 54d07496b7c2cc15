"""Looks up ops by name, and imports the module that declares one when it is first asked for.

So a replay loads what its plan uses, not every op there is. `dataflow.declared` says which module
that is; an op that isn't in it yet is found all the same, by importing its whole family.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dataflow.declared import OP_MODULES
from dataflow.dispatch import FAMILIES, load_all, load_family
from dataflow.errors import GraphError
from dataflow.operation import NEWEST, REGISTRY

if TYPE_CHECKING:
    from dataflow.operation import Op

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
    if name not in NEWEST and name in OP_MODULES:
        importlib.import_module(f"dataflow.ops.{OP_MODULES[name]}")
    if name not in NEWEST:
        load_family(name)
    op = NEWEST.get(name) if version is None else REGISTRY.get((name, version))
    if op is None:
        wanted = repr(name) if version is None else f"{name!r} version {version}"
        msg = f"there is no op {wanted}{_remedy(name)}"
        raise GraphError(msg)
    return op


def _remedy(name: str) -> str:
    """Say what to import, if the name, which may be a stranger's, names a module."""
    module = name.rpartition(".")[0]
    is_module = bool(module) and all(part.isidentifier() for part in module.split("."))
    if not is_module or module in FAMILIES:
        return ": a newer version may have it"
    return (f": module {module!r} declares it, which must be imported before (import {module}; on "
            f"the command line, --import {module})")  # fmt: skip


def registered_ops() -> Mapping[str, Op]:
    """Return the newest version of every op, by name in sorted order."""
    load_all()
    return {name: NEWEST[name] for name in sorted(NEWEST)}
