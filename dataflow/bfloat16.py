"""bfloat16: stored in 16 bits, computed with in 32.

NumPy has no such dtype; the package ml_dtypes adds one, and is imported when a name asks for it. An
op that only moves elements takes it as it is. Any other gets its bfloat16 inputs as float32, and
its float32 results are rounded back, which is how processors without bfloat16 arithmetic compute
with it too. The casts are nodes, so the planner sees them and derivatives pass through them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.spec import is_bfloat16

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["promotable", "through_float32"]

_WEAK = (int, float)  # Python's own, which take the dtype of what they meet


def through_float32(
    apply: Callable[[Sequence[Tensor]], tuple[Tensor, ...]], cast: Callable[..., Tensor],
    inputs: Sequence[Tensor],
) -> tuple[Tensor, ...]:  # fmt: skip
    """Apply an op to float32 in the place of bfloat16, and round its float32 results back.

    They stay float32 where another input is a wider float: so promotes NumPy.
    """
    is_narrow = [is_bfloat16(tensor.dtype) for tensor in inputs]
    wide = [cast(t, np.float32) if n else t for t, n in zip(inputs, is_narrow, strict=True)]
    others = (t for t, narrow in zip(inputs, is_narrow, strict=True) if not narrow)
    keeps = any(t.spec.is_float for t in others)
    bfloat16 = inputs[is_narrow.index(True)].dtype
    return tuple(t if keeps or t.dtype != np.float32 else cast(t, bfloat16) for t in apply(wide))


def promotable(kinds: tuple[Any, ...]) -> tuple[tuple[Any, ...], np.dtype | None]:
    """Return dtypes that NumPy can promote, and bfloat16 if the operands are cast to it first.

    Beside bools, integers, Python's numbers and itself, bfloat16 stays; beside a wider float it
    counts as float32, and with float16, of which neither holds the other, it makes float32.
    """
    narrow = next((k for k in kinds if isinstance(k, np.dtype) and is_bfloat16(k)), None)
    if narrow is None:
        return kinds, None
    others = [k for k in kinds if k != narrow]
    stays = all(k in _WEAK or (isinstance(k, np.dtype) and k.kind in "biu") for k in others)
    return tuple(_promoting(k, narrow, stays=stays) for k in kinds), narrow if stays else None


def _promoting(kind: Any, narrow: np.dtype, *, stays: bool) -> Any:  # noqa: ANN401 - as given
    """Return what stands for a dtype; an integer must not lift float32 to float64."""
    if kind == narrow:
        return np.dtype(np.float32)
    is_integer = isinstance(kind, np.dtype) and kind.kind in "iu"
    return int if stays and is_integer else kind
