"""Accumulation: gradients added up over several runs, as if their batches were one.

runs      0      1      2      3      4
sum       g0   +=g1   +=g2     0     g4        every = 4
due       no     no     no    yes    no
mean      .      .      .   (g0+g1+g2+g3)/4
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import call_function
from dataflow.optim.checks import check_count
from dataflow.optim.gradients import check_pairs

if TYPE_CHECKING:
    from dataflow.optim.gradients import Pair
    from dataflow.tensor import Tensor

__all__ = ["accumulate"]


def accumulate(
    pairs: Sequence[tuple[Tensor, Tensor | None]], every: int, *, name: str = "accumulated"
) -> tuple[list[Pair], Tensor]:
    """Add gradients up over runs, and say in which of them their mean is to be applied.

    The sums and the number of runs are variables, saved with the state.

    Parameters
    ----------
    pairs : sequence of tuple of Tensor
        Variables with their gradients.
    every : int
        How many runs make one update.
    name : str
        What the names of the sums begin with.

    Returns
    -------
    pairs : list of tuple of Tensor
        The variables with the means of the gradients. They are whole where `due` is True.
    due : Tensor
        A bool scalar: whether this run is the last of `every`. It is for `Optimizer.apply` and
        `ExponentialMovingAverage.track`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w, x = b.variable("w", np.array(0.0)), b.input("x", (), "float64")
    >>> optimizer = df.optim.SGD(1.0)
    >>> pairs, due = df.optim.accumulate(optimizer.gradients(w * x), 2)
    >>> optimizer.apply(df.optim.clip_by_value(pairs, 5.0), when=due)
    >>> runner = df.Runner(df.compile(b.build()))
    >>> for x in (1.0, 3.0, 7.0):
    ...     _ = runner.run(x=np.float64(x))
    ...     print(runner.state["w"])
    0.0
    -2.0
    -2.0
    """
    check_count("accumulate", "every", every)
    checked = check_pairs("accumulate", pairs)
    builder: Any = checked[0][0].builder
    with builder.recording("update", rule=name):
        runs = builder.variable(f"{name}.runs", np.zeros((), np.int64))
        following = (runs + 1) % every
        due = following == 0
        builder.update(runs, following)
    means = []
    for variable, gradient in checked:
        with builder.recording("update", variable.node, name):
            zeros = builder.zeros(variable.shape, variable.dtype)
            total = builder.variable(f"{name}.{variable.node}", zeros, requires_grad=False)
            added = total + gradient
            builder.update(total, call_function("where", due, 0, added))
            means.append((variable, added / every))
    return means, due
