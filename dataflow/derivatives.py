"""Derivatives as users ask for them: products with Jacobians, in either mode, as ordinary nodes.

For a function y of x with the Jacobian J, forward mode gives J u from a tangent u, reverse mode
the cotangent w times J. All else is made of these two: a gradient is reverse mode with w = 1, a
product with the Hessian is forward mode over the gradient.

Everything here checks what the user gave and calls a sweep; `dataflow.sweeps` does the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dataflow.errors import GradientError
from dataflow.seeds import described, or_zeros, seed_of
from dataflow.source import user_line
from dataflow.sweeps import jvp_of, vjp_of
from dataflow.tensor import Tensor
from dataflow.trees import leaves_of, rebuilt

if TYPE_CHECKING:
    from dataflow.tensor import TensorLike

__all__ = ["Tensors", "check_tensors", "grad", "hvp", "jvp", "linearize", "value_and_grad", "vjp"]

Tensors: TypeAlias = "Tensor | Sequence[Tensor]"


def grad(output: Tensor, wrt: Tensors, cotangent: TensorLike | None = None) -> Any:  # noqa: ANN401
    """Return the gradient of an output with respect to tensors, as tensors of the same graph.

    Parameters
    ----------
    output : Tensor
        A scalar, or any tensor if a cotangent is given.
    wrt : Tensor or sequence of Tensor
        Floating-point tensors.
    cotangent : tensor or array, optional
        What to multiply the derivative with, of the output's shape.

    Returns
    -------
    Tensor or tuple of Tensor
        For each of `wrt`, a tensor of its shape: zeros where `output` doesn't depend on it.

    Raises
    ------
    GradientError
        The output or one of `wrt` is no tensor of floating point, they belong to different
        builders, the output is no scalar and no cotangent was given, or an op on the way has no
        derivative.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.constant(3.0)
    >>> float(df.evaluate(df.grad(x * x, x)))
    6.0
    """
    tensors = check_tensors("df.grad", [output], wrt)
    found = or_zeros("cotangent", tensors, vjp_of([output], tensors, [cotangent]))
    return found[0] if isinstance(wrt, Tensor) else tuple(found)


def value_and_grad(output: Tensor, wrt: Tensors) -> tuple[Tensor, Any]:
    """Return an output, and its gradient as `grad` gives it.

    Nothing is computed twice either way: it is one graph. The pair is for those who come from JAX.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant(3.0)
    >>> df.evaluate(*df.value_and_grad(x * x, x))
    (array(9., dtype=float32), array(6., dtype=float32))
    """
    return output, grad(output, wrt)


def vjp(outputs: Tensors, wrt: Tensors, cotangents: Any) -> Any:  # noqa: ANN401 - as `wrt`
    """Return the products of cotangents with the Jacobian: reverse mode.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
        What is differentiated.
    wrt : Tensor or sequence of Tensor
        Floating-point tensors.
    cotangents : tensor or array, or a sequence of these
        One for each of `outputs`, of its shape and dtype.

    Returns
    -------
    Tensor or tuple of Tensor
        For each of `wrt`, a tensor of its shape: the sum over `outputs` of cotangent times
        derivative. Of complex numbers the conjugate of the derivative is taken, as in PyTorch.

    Raises
    ------
    GradientError
        As `grad`, or there are fewer or more cotangents than outputs.
    ShapeError, DTypeError
        A cotangent's shape or dtype differs from its output's.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.vjp(x * x, x, [10.0, 1.0]))
    array([20.,  4.], dtype=float32)
    """
    ends = _listed(outputs)
    tensors = check_tensors("df.vjp", ends, wrt)
    seeds = _paired("df.vjp", "cotangent", outputs, cotangents)
    found = or_zeros("cotangent", tensors, vjp_of(ends, tensors, seeds))
    return found[0] if isinstance(wrt, Tensor) else tuple(found)


def jvp(outputs: Any, wrt: Tensors, tangents: Any) -> Any:  # noqa: ANN401 - as `outputs`
    """Return the products of the Jacobian with tangents: forward mode.

    Parameters
    ----------
    outputs : Tensor, or a tuple, list or dictionary of Tensor
        What is differentiated.
    wrt : Tensor or sequence of Tensor
        Floating-point tensors.
    tangents : tensor or array, or a sequence of these
        One for each of `wrt`, of its shape and dtype: the direction.

    Returns
    -------
    Tensor, or a tuple, list or dictionary of Tensor
        In the form of `outputs`: how each changes along the direction, of its shape.

    Raises
    ------
    GradientError
        As `grad`, or there are fewer or more tangents than tensors to differentiate by.
    ShapeError, DTypeError
        A tangent's shape or dtype differs from its tensor's.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.jvp((x * x).sum(), x, [10.0, 1.0]))
    array(24., dtype=float32)
    """
    return _linearized("df.jvp", outputs, wrt)(tangents)


def linearize(outputs: Any, wrt: Tensors) -> Callable[[Any], Any]:  # noqa: ANN401 - as `jvp`
    """Return the function from tangents to the outputs' tangents, at the point of the graph.

    Parameters
    ----------
    outputs : Tensor, or a tuple, list or dictionary of Tensor
        What is differentiated.
    wrt : Tensor or sequence of Tensor
        Floating-point tensors.

    Returns
    -------
    callable
        Each call declares the linear part alone; all calls share the nodes of the point. It takes
        what `jvp` takes as `tangents`, and raises what it raises.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> push = df.linearize(x * x, x)
    >>> df.evaluate(push([1.0, 0.0]), push([0.0, 1.0]))
    (array([2., 0.], dtype=float32), array([0., 4.], dtype=float32))
    """
    return _linearized("df.linearize", outputs, wrt)


def _linearized(what: str, outputs: Any, wrt: Tensors) -> Callable[[Any], Any]:  # noqa: ANN401
    ends = leaves_of(outputs)
    tensors = check_tensors(what, ends, wrt)

    def push(tangents: Any) -> Any:  # noqa: ANN401 - as `wrt`
        given = _paired(what, "tangent", wrt, tangents)
        directions = [
            seed_of(tensor, "tangent", value) for tensor, value in zip(tensors, given, strict=True)
        ]
        found = jvp_of(ends, tensors, directions)
        return rebuilt(outputs, or_zeros("tangent", ends, found))

    return push


def hvp(output: Tensor, wrt: Tensors, vectors: Any) -> Any:  # noqa: ANN401 - as `wrt`
    """Return the product of the Hessian of a scalar with vectors, forward mode over reverse mode.

    Parameters
    ----------
    output : Tensor
        A scalar.
    wrt : Tensor or sequence of Tensor
        Floating-point tensors.
    vectors : tensor or array, or a sequence of these
        One for each of `wrt`, of its shape and dtype.

    Returns
    -------
    Tensor or tuple of Tensor
        For each of `wrt`, a tensor of its shape. Two gradients' work, and no Hessian in memory.

    Raises
    ------
    GradientError, ShapeError, DTypeError
        As `grad` and `jvp`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.hvp((x**3).sum(), x, [1.0, 1.0]))
    array([ 6., 12.], dtype=float32)
    """
    return jvp(grad(output, wrt), wrt, vectors)


def check_tensors(what: str, outputs: Sequence[Tensor], wrt: Tensors) -> list[Tensor]:
    """Return `wrt` as a list, if outputs and these are tensors that can have a derivative.

    Raises
    ------
    GradientError
        One is no tensor, belongs to another builder, or has no gradient by its dtype.
    """
    tensors = _listed(wrt)
    for tensor in (*outputs, *tensors):
        if not isinstance(tensor, Tensor):
            msg = f"{what} ({user_line()}) takes tensors, not {tensor!r}"
            raise GradientError(msg)
    if not outputs:
        msg = f"{what} ({user_line()}): there is nothing to differentiate"
        raise GradientError(msg)
    for tensor in (*outputs[1:], *tensors):
        if tensor.builder is not outputs[0].builder:
            msg = (f"{what} ({user_line()}): {described(tensor)} belongs to another builder than "
                   f"{described(outputs[0])}: use one builder")  # fmt: skip
            raise GradientError(msg)
    for tensor in tensors:
        if not tensor.spec.is_float:
            msg = (f"{what} ({user_line()}) with respect to {described(tensor)}: only "
                   "floating point has a gradient; use .astype('float32') before")  # fmt: skip
            raise GradientError(msg)
    return tensors


def _listed(tensors: Tensors) -> list[Any]:
    is_one = isinstance(tensors, Tensor) or not isinstance(tensors, Iterable)
    return [tensors] if is_one else list(tensors)


def _paired(what: str, kind: str, tensors: Tensors, given: Any) -> list[Any]:  # noqa: ANN401
    """Return what was given for one tensor, or for each of several."""
    if isinstance(tensors, Tensor):
        return [given]
    wanted, is_many = len(list(tensors)), isinstance(given, (tuple, list, np.ndarray))
    if not is_many or len(given) != wanted:
        found = len(given) if is_many else repr(given)
        msg = f"{what} ({user_line()}): a {kind} for each of {wanted} tensors, not {found}"
        raise GradientError(msg)
    return list(given)
