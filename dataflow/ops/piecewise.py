"""One of several values by conditions: the first that holds, or the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.masking import as_mask
from dataflow.ops.selection import as_branches, where
from dataflow.ops.shaping import broadcast_to
from dataflow.source import user_line
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.tensor import TensorLike

__all__ = ["piecewise", "select"]


@public(np.select)
def select(
    condlist: Sequence[TensorLike], choicelist: Sequence[TensorLike], default: TensorLike = 0
) -> Tensor:
    """Return for every element that of the first choice whose condition holds.

    Parameters
    ----------
    condlist : sequence of tensor or array_like
        Booleans.
    choicelist : sequence of tensor or array_like
        As many; all shapes broadcast.
    default : tensor or array_like
        Where no condition holds.

    Returns
    -------
    Tensor
        The broadcast shape, the common dtype; of Python scalars alone that of `where`.

    Raises
    ------
    ShapeError, DTypeError
        There are more of the ones than of the others, the shapes don't broadcast, or a condition
        isn't of booleans.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0, 1, 2, 3])
    >>> df.evaluate(df.select([x < 1, x > 2], [x - 10, x * 10], 7))
    array([-10,   7,   7,  30])
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        msg = (f"select ({user_line()}): {len(condlist)} conditions and {len(choicelist)} "
               "choices: there must be as many, at least 1")  # fmt: skip
        raise ShapeError(msg)
    builder = builder_of(*condlist, *choicelist, default)
    masks = [as_mask("select", builder, condition) for condition in condlist]
    *choices, found = as_branches(masks[0], *choicelist, default)
    for mask, choice in zip(masks[::-1], choices[::-1], strict=True):
        found = where(mask, choice, found)
    return found


@public(np.piecewise)
def piecewise(
    x: Tensor, condlist: TensorLike | Sequence[TensorLike],
    funclist: Sequence[Callable[..., Any] | TensorLike], *args: object, **kw: object,
) -> Tensor:  # fmt: skip
    """Return for every element what the function of the last condition that holds gives.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    condlist : tensor or array_like of bool, or sequence of them
        The conditions, which broadcast to the shape of `x`.
    funclist : sequence of callable or number
        As many, or one more, for where no condition holds; else that is 0. Each function is called
        with all of `x`, and declares nodes.
    *args, **kw
        What the functions are called with besides `x`.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, to which NumPy casts what the functions give.

    Raises
    ------
    ShapeError, DTypeError
        There are fewer functions, or too many, shapes don't broadcast, or a condition isn't of
        booleans.

    Notes
    -----
    A function that isn't chosen gets a gradient of 0, but its derivative can be NaN there; see
    `where`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([-2.0, 0.5, 3.0])
    >>> df.evaluate(df.piecewise(x, [x < 0, x > 1], [lambda t: -t, 1, lambda t: t * 10]))
    array([2., 5., 1.], dtype=float32)
    """
    masks = [as_mask("piecewise", x.builder, one) for one in _conditions(x, condlist)]
    made = [f(x, *args, **kw) if callable(f) else f for f in funclist]
    if len(made) not in (len(masks), len(masks) + 1):
        msg = (f"piecewise ({user_line()}): {len(made)} functions for {len(masks)} conditions: "
               "there must be as many, or one more")  # fmt: skip
        raise ShapeError(msg)
    values = [as_tensor(value, x).astype(x.dtype) for value in made]
    found = values.pop() if len(values) > len(masks) else as_tensor(0, x).astype(x.dtype)
    for mask, value in zip(masks, values, strict=True):
        found = where(mask, value, found)
    return broadcast_to(found, x.shape)


def _conditions(x: Tensor, condlist: Any) -> Sequence[TensorLike]:  # noqa: ANN401 - one, or several
    """Return several conditions; one that has the axes of `x` stands alone."""
    if isinstance(condlist, (Tensor, np.ndarray)):
        return (
            [condlist] if condlist.ndim <= x.ndim else [condlist[i] for i in range(len(condlist))]
        )
    if x.ndim and all(isinstance(one, (bool, np.bool_)) for one in condlist):
        return [condlist]
    return condlist  # type: ignore[no-any-return]
