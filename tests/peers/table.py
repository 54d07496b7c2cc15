"""What a row of the cross-checks against PyTorch and JAX holds.

A family's rows are the `ROWS` of its module beside this one. The peers are given by modules as
first arguments, so that reading a table imports neither.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Row(NamedTuple):
    """One function of ours and what the peers have for it.

    `ours` is called with tensors, `torch` and `jax` with the module and then arrays of its own, in
    float64 (or complex128). None says that the peer has no such function. Where `gradient` is set,
    the gradients of a random projection by every floating-point argument are compared too.
    """

    name: str
    arrays: tuple[np.ndarray, ...]
    ours: Callable[..., Any]
    torch: Callable[..., Any] | None
    jax: Callable[..., Any] | None
    gradient: bool = True
