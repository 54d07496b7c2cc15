"""What ops with bodies have in common: they have no kernel, and some run their first body once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dataflow.errors import KernelError

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Arrays, Bind, Call

__all__ = ["no_kernel", "run_first_body"]


def no_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> Sequence[Call]:
    """Refuse to be bound as other ops are: an executor binds the bodies, and asks `Op.control`."""
    msg = "an op with bodies is run by an executor, which binds them"
    raise KernelError(msg)


def run_first_body(
    outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs, binds: Sequence[Bind]
) -> Sequence[Call]:
    """Return the calls of the first body."""
    return binds[0](ins, outs)[0]
