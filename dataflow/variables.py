"""`Variables`: state that outlives a run, its initial values and its updates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.leaves import Leaves
from dataflow.source import user_line
from dataflow.spec import Spec
from dataflow.tensor import Tensor
from dataflow.values import check_grad

if TYPE_CHECKING:
    from dataflow.tensor import TensorLike

__all__ = ["Variables"]


class Variables(Leaves):
    """Declares variables and what becomes of them.

    Parameters
    ----------
    name : str
        The graph's name.
    seed : int
        What every random draw of this graph derives its key from.
    """

    def __init__(self, name: str, seed: int) -> None:
        super().__init__(name, seed)
        self._initials: dict[str, Tensor] = {}
        self._updates: dict[str, Tensor] = {}
        self._training: Tensor | None = None

    def variable(
        self, name: str, initial: TensorLike, *, requires_grad: bool | None = None
    ) -> Tensor:
        """Declare a variable: state that outlives a run, changed by `update`.

        Parameters
        ----------
        name : str
            The name under which a `State` holds it.
        initial : tensor or array
            The first value: an array, or a tensor that depends on no input and no variable
            (zeros, a keyed draw), so that its values needn't be stored.
        requires_grad : bool, optional
            Whether ``backward()`` sets its ``grad``; by default if its dtype is floating point.

        Returns
        -------
        Tensor
            A leaf: the value before the run, wherever it is read.
        """
        first = initial if isinstance(initial, Tensor) else self.constant(initial)
        if not self._owns(first):
            msg = (f"variable {name!r} ({user_line()}): its initial value belongs to another "
                   "builder")  # fmt: skip
            raise GraphError(msg)
        needs = first.spec.is_float if requires_grad is None else requires_grad
        node = self._names.claim(name, "variable")
        check_grad(f"variable {node!r}", first.spec, requires_grad=needs)
        self._mark_initial(node, first)
        tensor = self._leaf("variable", first.spec, node, requires_grad=needs)
        self._initials[node] = first
        return tensor

    def initial(self, variable: Tensor) -> Tensor:
        """Return a variable's first value, as a tensor that depends on no input or variable."""
        return self._initials[variable.node]

    def pending(self, variable: Tensor) -> Tensor:
        """Return what a variable becomes when a run is over: itself while it has no update."""
        return self._updates.get(variable.node, variable)

    def update(self, variable: Tensor, value: TensorLike, *, again: bool = False) -> None:
        """Set what a variable becomes when a run is over.

        Parameters
        ----------
        variable : Tensor
            A variable of this builder.
        value : tensor or array
            Of the same shape and dtype.
        again : bool
            Whether the value may take the place of an update: it was made of what is `pending`.

        Raises
        ------
        GraphError
            The tensor is no variable of this builder, or has an update already.
        ShapeError, DTypeError
            The value has another shape or dtype.
        """
        if not self._owns(variable) or variable.node not in self._initials:
            msg = (f"update ({user_line()}): {variable!r} is no variable of graph {self.name!r}: "
                   "only variables are updated")  # fmt: skip
            raise GraphError(msg)
        name = variable.node
        if name in self._updates and not again:
            msg = (f"variable {name!r} ({user_line()}) has an update already: a graph has one "
                   "value after the run")  # fmt: skip
            raise GraphError(msg)
        new = value if isinstance(value, Tensor) else self.constant(value, dtype=variable.dtype)
        if not self._owns(new):
            msg = f"variable {name!r} ({user_line()}): its update belongs to another builder"
            raise GraphError(msg)
        if new.shape != variable.shape:
            msg = (f"variable {name!r} is {variable.spec}, its update {new.node!r} "
                   f"({user_line()}) is {new.spec}")  # fmt: skip
            raise ShapeError(msg)
        if new.dtype != variable.dtype:
            msg = (f"variable {name!r} is {variable.spec}, its update {new.node!r} "
                   f"({user_line()}) is {new.spec}: "
                   f"use .astype({str(variable.dtype)!r})")  # fmt: skip
            raise DTypeError(msg)
        self._updates[name] = new

    @property
    def training(self) -> Tensor:
        """Whether variables are updated, as a bool scalar that each plan knows when it is compiled.

        True in a plan with updates, False in one that was compiled with ``updates=False``, or that
        has nothing to update. What a choice by it doesn't take costs the plan nothing.
        """
        if self._training is None:
            node = self._names.unique("training")
            spec = Spec((), np.dtype(np.bool_))
            self._training = self._leaf("training", spec, node, requires_grad=False)
        return self._training

    @property
    def variables(self) -> tuple[Tensor, ...]:
        """The variables, in the order of their declaration."""
        return tuple(self._applications[name].outputs[0] for name in self._initials)

    def _mark_initial(self, name: str, first: Tensor) -> None:
        """Check that an initial value is closed, and move its nodes to the sweep ``initial``."""
        stack, seen = [first.node], set()
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if self._dag.nodes[node]["op"] in ("input", "variable", "training"):
                msg = (f"variable {name!r}: its initial value depends on {node!r}; it may depend "
                       "on constants and draws only")  # fmt: skip
                raise GraphError(msg)
            self._dag.nodes[node]["sweep"] = "initial"
            stack += self._dag.predecessors(node)
