"""The reverse sweep from a loss, as pairs of a variable and its gradient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from dataflow.errors import ArgumentError, GradientError, GraphError
from dataflow.optim.groups import matched
from dataflow.source import user_line
from dataflow.sweeps import vjp_of
from dataflow.tensor import Tensor

__all__ = ["Pair", "Wanted", "check_pairs", "chosen", "gradients_of"]

Pair: TypeAlias = "tuple[Tensor, Tensor]"
"""A variable and its gradient."""

Wanted: TypeAlias = "Tensor | str | Iterable[Tensor | str] | None"
"""Variables, or patterns of their names."""


def gradients_of(loss: Tensor, variables: Wanted = None, freeze: Wanted = None) -> list[Pair]:
    """Return the variables to update, each with its gradient; see `Optimizer.gradients`."""
    if not isinstance(loss, Tensor):
        msg = f"minimize ({user_line()}): the loss is a tensor, not {loss!r}"
        raise GradientError(msg)
    wanted = _wanted(loss, variables, freeze)
    found = vjp_of([loss], wanted, [None])
    pairs = [(v, g) for v, g in zip(wanted, found, strict=True) if g is not None]
    missing = [v.node for v, g in zip(wanted, found, strict=True) if g is None]
    if not pairs or (variables is not None and missing):
        msg = (f"minimize({loss.node!r}) ({user_line()}): it doesn't depend on "
               f"{', '.join(missing) or 'any variable that requires a gradient'}")  # fmt: skip
        raise GradientError(msg)
    return pairs


def check_pairs(what: str, pairs: Sequence[tuple[Tensor, Tensor | None]]) -> list[Pair]:
    """Return pairs whose gradient isn't None, after a check that gradients fit the variables."""
    if not isinstance(pairs, Iterable):
        msg = f"{what} ({user_line()}) takes pairs of a variable and its gradient, not {pairs!r}"
        raise ArgumentError(msg)
    checked: list[Pair] = []
    for pair in pairs:
        is_pair = isinstance(pair, tuple) and len(pair) == 2
        if not is_pair or not isinstance(pair[0], Tensor):
            msg = f"{what} ({user_line()}) takes pairs of a variable and its gradient, not {pair!r}"
            raise ArgumentError(msg)
        variable, gradient = pair
        if gradient is None:
            continue
        if not isinstance(gradient, Tensor) or gradient.spec != variable.spec:
            msg = (f"{what} ({user_line()}): the gradient of {variable.node!r} is {gradient!r}, "
                   f"not a tensor {variable.spec}")  # fmt: skip
            raise GraphError(msg)
        checked.append((variable, gradient))
    if not checked:
        msg = f"{what} ({user_line()}): there is no gradient"
        raise GraphError(msg)
    return checked


def chosen(what: str, wanted: Wanted, among: Sequence[Tensor]) -> list[Tensor]:
    """Return tensors as they are, and for each pattern the variables that it matches."""
    listed = [wanted] if isinstance(wanted, (str, Tensor)) else wanted
    if not isinstance(listed, Iterable):
        msg = f"{what} ({user_line()}) are tensors or patterns of their names, not {wanted!r}"
        raise ArgumentError(msg)
    chosen: dict[Tensor, None] = {}
    for item in listed:
        if isinstance(item, Tensor):
            chosen[item] = None
        else:
            found = matched(what, [item], [v.node for v in among])
            chosen |= dict.fromkeys(v for v in among if v.node in found)
    return list(chosen)


def _wanted(loss: Tensor, variables: Wanted, freeze: Wanted) -> list[Tensor]:
    """Return the variables to differentiate by, in the order given or that of declaration."""
    builder: Any = loss.builder
    trainable = [v for v in builder.variables if v.requires_grad]
    wanted = trainable if variables is None else chosen("variables", variables, trainable)
    frozen = set() if freeze is None else set(chosen("freeze", freeze, list(builder.variables)))
    return [v for v in wanted if v not in frozen]
