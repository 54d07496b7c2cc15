"""What ops along one axis share, which stands in the attribute ``axis``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.operation import WHOLE, Along, Tiling

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.dims import Dim
    from dataflow.operation import Application, Specs
    from dataflow.tensor import Tensor

__all__ = ["batch_along_axis", "tile_beside_axis"]


def batch_along_axis(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Move the axis by one."""
    attrs = application.attrs
    moved = attrs.replace(axis=attrs.integer("axis") + 1)
    return inputs[0].builder.apply(application.op, inputs, moved)


def tile_beside_axis(specs: Specs, attrs: Attrs) -> Tiling:
    """Map every axis but this one, of every input."""
    axis = attrs.integer("axis")
    return Tiling(tuple(
        tuple(WHOLE if i == axis else Along(i) for i in range(spec.ndim)) for spec in specs
    ))  # fmt: skip
