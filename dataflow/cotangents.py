"""`Cotangents`: what flows back into each tensor of a reverse sweep, added up.

Parts of a tensor that are taken with slices send back as many padded cotangents. Where they lie end
to end, as those of a split do, their sum is one concatenation:

    [a 0 0] + [0 b 0] + [0 0 c]  =  [a b c]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.registry import get_op

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.operation import Application
    from dataflow.tensor import Tensor

__all__ = ["Cotangents"]


class Cotangents:
    """The cotangents of a sweep's tensors, as far as it has come."""

    def __init__(self) -> None:
        self._sums: dict[Tensor, Tensor] = {}
        self._padded: dict[Tensor, list[Tensor]] = {}

    def __contains__(self, tensor: Tensor) -> bool:
        return tensor in self._sums or tensor in self._padded

    def add(self, tensor: Tensor, part: Tensor) -> None:
        """Add a part to a tensor's cotangent; what is padded waits for the rest of it."""
        if _is_padded(part):
            self._padded.setdefault(tensor, []).append(part)
        else:
            before = self._sums.get(tensor)
            self._sums[tensor] = part if before is None else before + part

    def get(self, tensor: Tensor) -> Tensor | None:
        """Return the sum of a tensor's parts; None if there are none."""
        parts = _joined(self._padded.pop(tensor, []))
        if tensor in self._sums:
            parts.insert(0, self._sums[tensor])
        if parts:
            self._sums[tensor] = reduce(add, parts)
        return self._sums.get(tensor)

    def pop(self, tensor: Tensor) -> Tensor | None:
        """Return what `get` does, and forget it."""
        found = self.get(tensor)
        self._sums.pop(tensor, None)
        return found


def _is_padded(part: Tensor) -> bool:
    return part.op.name == "pad_slice" and set(_attrs(part).dims("step")) == {1}


def _application(part: Tensor) -> Application:
    builder: Any = part.builder
    found: Application = builder.application(part.node)
    return found


def _attrs(part: Tensor) -> Attrs:
    return _application(part).attrs


def _joined(padded: list[Tensor]) -> list[Tensor]:
    """Return tensors with the same sum: one, if along some axis the parts lie end to end."""
    if len(padded) > 1:
        for axis in range(padded[0].ndim):
            parts = _end_to_end(padded, axis)
            if parts is not None:
                return [_concatenated(parts, axis)]
    return padded


def _end_to_end(padded: Sequence[Tensor], axis: int) -> list[Tensor] | None:
    """Return the padded tensors in the order in which they fill an axis, if they do."""
    if len({tuple(_others(part, axis)) for part in padded}) > 1:
        return None
    by_start = {_attrs(part).dims("start")[axis]: part for part in padded}
    if len(by_start) < len(padded):
        return None
    parts: list[Tensor] = []
    place: int | Dim | None = 0
    while place in by_start:
        parts.append(by_start.pop(place))
        place = _attrs(parts[-1]).dims("stop")[axis]
    return parts if not by_start and place == padded[0].shape[axis] else None


def _others(part: Tensor, axis: int) -> Iterator[tuple[int | Dim, int | Dim]]:
    """Yield where a part lies on the other axes."""
    attrs = _attrs(part)
    for i, pair in enumerate(zip(attrs.dims("start"), attrs.dims("stop"), strict=True)):
        if i != axis:
            yield pair


def _concatenated(parts: Sequence[Tensor], axis: int) -> Tensor:
    """Return the sum of padded tensors that fill an axis, padded on the others where need be."""
    inner = [_application(part).inputs[0] for part in parts]
    whole = apply(get_op("concat"), inner, Attrs(axis=axis))
    if whole.shape == parts[0].shape:
        return whole
    attrs, length = _attrs(parts[0]), parts[0].shape[axis]
    start, stop = (
        (*ends[:axis], end, *ends[axis + 1 :])
        for ends, end in ((attrs.dims("start"), 0), (attrs.dims("stop"), length))
    )
    return apply(get_op("pad_slice"), (whole,), attrs.replace(start=start, stop=stop))
