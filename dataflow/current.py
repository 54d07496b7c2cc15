"""The builder that creation functions declare in where none is named: that of a ``with`` block.

Creation functions have no tensor among their arguments that would say which graph they belong to.
So they take the builder as `device`, the Array API's word for where a tensor lives, or the one
whose ``with`` block is around the call; see docs/adr/0008-a-device-is-a-builder.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from dataflow.errors import GraphError
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Builder

__all__ = ["builder_for", "current_builder", "within"]

_CURRENT: ContextVar[Builder | None] = ContextVar("current builder", default=None)


@contextmanager
def within(builder: Builder) -> Iterator[None]:
    """Let creation functions declare in a builder, within the ``with`` block."""
    token = _CURRENT.set(builder)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_builder() -> Builder | None:
    """Return the builder whose ``with`` block is the innermost around, or None."""
    return _CURRENT.get()


def builder_for(what: str, device: object, *operands: object) -> Builder:
    """Return the builder that a creation function declares in.

    Parameters
    ----------
    what : str
        The function's name, for messages.
    device : GraphBuilder or None
        The builder, if it is named.
    *operands : object
        If one of them is a tensor, its builder is the one.

    Raises
    ------
    GraphError
        There is none, or `device` is no builder or another one than a tensor's.
    """
    owners = [operand.builder for operand in operands if hasattr(operand, "builder")]
    if device is not None and not hasattr(device, "apply"):
        msg = f"{what} ({user_line()}): device is the graph's builder, not {device!r}"
        raise GraphError(msg)
    named: Builder | None = device  # type: ignore[assignment]  # just checked
    if named is not None and any(owner is not named for owner in owners):
        msg = f"{what} ({user_line()}): a tensor belongs to another builder than the device named"
        raise GraphError(msg)
    found = named or (owners[0] if owners else current_builder())
    if found is None:
        msg = (f"{what} ({user_line()}) doesn't know in which graph: give device=builder, call it "
               "within `with builder:`, or use the builder's method")  # fmt: skip
        raise GraphError(msg)
    return found
