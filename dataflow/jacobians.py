"""Jacobians and Hessians: a sweep for one direction, batched over all of them.

A Jacobian's rows are what reverse mode gives for the unit cotangents, its columns what forward
mode gives for the unit tangents. The sweep is declared once, on a stand-in for the direction, and
then for the whole basis by the ops' batch rules: a few large steps instead of many small ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from dataflow.derivatives import Tensors, check_tensors, grad
from dataflow.dims import Dim, product
from dataflow.dispatch import find_function
from dataflow.drafts import drafting
from dataflow.errors import GradientError
from dataflow.seeds import check_float, check_scalar, described
from dataflow.source import user_line
from dataflow.sparse_jacobian import sparse_jacobian
from dataflow.sweeps import jvp_of, vjp_of
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.dims import Shape

__all__ = ["hessian", "jacfwd", "jacobian", "jacrev"]


def jacrev(output: Tensor, wrt: Tensors) -> Any:  # noqa: ANN401 - one tensor, or a tuple of them
    """Return the Jacobian of a tensor by reverse mode: best where it has few elements.

    Parameters
    ----------
    output : Tensor
        Real floating point, of any shape.
    wrt : Tensor or sequence of Tensor
        Real floating-point tensors.

    Returns
    -------
    Tensor or tuple of Tensor
        For each of `wrt`, a tensor of shape ``output.shape + wrt.shape``, of the output's dtype.

    Raises
    ------
    GradientError
        As `dataflow.grad`, or a tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.jacrev(x * x, x)).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    tensors = _checked("df.jacrev", output, wrt)
    builder: Any = output.builder
    with drafting(builder, [output.spec]) as draft:
        found = vjp_of([output], tensors, draft.stand_ins)
    with _recorded(builder, "reverse", output):
        basis = _basis(output)
    rows = draft.batch([basis], basis.shape[0], [t for t in found if t is not None])
    made = iter(rows)
    with _recorded(builder, "reverse", output):
        blocks = [
            _zeros(output, tensor) if part is None
            else _as_block(next(made)[0], output, tensor)
            for tensor, part in zip(tensors, found, strict=True)
        ]  # fmt: skip
    return blocks[0] if isinstance(wrt, Tensor) else tuple(blocks)


def jacfwd(output: Tensor, wrt: Tensors) -> Any:  # noqa: ANN401 - one tensor, or a tuple of them
    """Return the Jacobian of a tensor by forward mode: best where `wrt` has few elements.

    Parameters
    ----------
    output : Tensor
        Floating point, real or complex, of any shape.
    wrt : Tensor or sequence of Tensor
        Real floating-point tensors.

    Returns
    -------
    Tensor or tuple of Tensor
        For each of `wrt`, a tensor of shape ``output.shape + wrt.shape``, of the output's dtype.

    Raises
    ------
    GradientError
        As `dataflow.grad`, or one of `wrt` is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.jacfwd(x * x, x)).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    tensors = _checked("df.jacfwd", output, wrt, complex_output=True)
    blocks = [_columns(output, tensor) for tensor in tensors]
    return blocks[0] if isinstance(wrt, Tensor) else tuple(blocks)


def _columns(output: Tensor, tensor: Tensor) -> Tensor:
    builder: Any = output.builder
    with drafting(builder, [tensor.spec]) as draft:
        (found,) = jvp_of([output], [tensor], draft.stand_ins)
    if found is None:
        with _recorded(builder, "tangent", output):
            return _zeros(output, tensor)
    with _recorded(builder, "tangent", tensor):
        basis = _basis(tensor)
    ((columns, _),) = draft.batch([basis], basis.shape[0], [found])
    with _recorded(builder, "tangent", output):
        return _as_block(find_function("moveaxis")(columns, 0, -1), output, tensor)


def jacobian(
    output: Tensor, wrt: Tensors, *, mode: str = "auto", sparsity: Any = None  # noqa: ANN401 - or text
) -> Any:  # fmt: skip  # noqa: ANN401 - as above
    """Return the Jacobian of a tensor, by the mode that needs fewer directions.

    Parameters
    ----------
    output : Tensor
        Real floating point, of any shape; complex only by forward mode.
    wrt : Tensor or sequence of Tensor
        Real floating-point tensors.
    mode : str
        ``"reverse"``, ``"forward"``, or ``"auto"``: forward where `wrt` has fewer elements than
        `output`, reverse otherwise, and where the numbers aren't known yet. With `sparsity`, auto
        is the mode that needs fewer directions.
    sparsity : "detect" or array of bool, optional
        Where the Jacobian may not be zero: found out from the graph, or given, as a matrix or in
        the Jacobian's shape. Elements that no row shares are then computed together, in one
        direction: a band of three takes three, however long it is.

    Returns
    -------
    Tensor or tuple of Tensor
        As `jacrev` and `jacfwd`; with `sparsity`, a `SparseJacobian` for each of `wrt`.

    Raises
    ------
    GradientError
        As `jacrev` and `jacfwd`, or there is no such mode; with `sparsity`, a shape has named
        dimensions, or the pattern has another shape or too many entries.

    Notes
    -----
    A detected pattern leaves nothing out, and may have too much: loops and decompositions are taken
    to read everything. One that is given is believed.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 3.0])
    >>> df.evaluate(df.jacobian(x.sum(keepdims=True), x)).tolist()
    [[1.0, 1.0, 1.0]]
    """
    if mode not in ("auto", "forward", "reverse"):
        msg = f"df.jacobian ({user_line()}): mode is 'auto', 'forward' or 'reverse', not {mode!r}"
        raise GradientError(msg)
    if sparsity is not None:
        made = [
            sparse_jacobian(output, tensor, sparsity, mode)
            for tensor in _checked("df.jacobian", output, wrt)
        ]
        return made[0] if isinstance(wrt, Tensor) else tuple(made)
    tensors = check_tensors("df.jacobian", [output], wrt)
    directions = [tensor.spec.size for tensor in tensors]
    is_known = isinstance(output.spec.size, int) and all(isinstance(n, int) for n in directions)
    is_wide = is_known and sum(directions) < output.spec.size  # type: ignore[operator]
    is_forward = mode == "forward" or (mode == "auto" and is_wide)
    return jacfwd(output, wrt) if is_forward else jacrev(output, wrt)


def hessian(output: Tensor, wrt: Tensors, *, sparsity: Any = None) -> Any:  # noqa: ANN401 - as above
    """Return the Hessian of a scalar: the Jacobian of its gradient, forward over reverse mode.

    Parameters
    ----------
    output : Tensor
        A real scalar.
    wrt : Tensor or sequence of Tensor
        Real floating-point tensors.
    sparsity : "detect" or array of bool, optional
        As `jacobian` has it; an array holds for each block.

    Returns
    -------
    Tensor, or tuple of tuple of Tensor
        For one tensor, of shape ``wrt.shape + wrt.shape``; for several, the block of `i` and `j`
        at ``[i][j]``, of shape ``wrt[i].shape + wrt[j].shape``. With `sparsity`, a
        `SparseJacobian` in the place of each.

    Raises
    ------
    GradientError
        As `dataflow.grad`, or a tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.hessian((x**3).sum(), x)).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    _checked("df.hessian", output, wrt)
    check_scalar(output)
    mode = "forward" if sparsity is None else "auto"
    block = partial(jacobian, mode=mode, sparsity=sparsity)
    if isinstance(wrt, Tensor):
        return block(grad(output, wrt), wrt)
    tensors = tuple(wrt)
    return tuple(block(gradient, tensors) for gradient in grad(output, tensors))


def _checked(
    what: str, output: Tensor, wrt: Tensors, *, complex_output: bool = False
) -> list[Tensor]:
    """Return `wrt` as a list, if a matrix of real numbers says how the output depends on it."""
    tensors = check_tensors(what, [output], wrt)
    check_float(output)
    for tensor in (*tensors, *(() if complex_output else (output,))):
        if tensor.dtype.kind == "c":
            msg = (f"{what} ({user_line()}): {described(tensor)} is complex, and its derivative no "
                   "matrix of complex numbers: use df.vjp or df.jvp, or take real and imaginary "
                   "parts")  # fmt: skip
            raise GradientError(msg)
    return tensors


def _recorded(builder: Any, sweep: str, tensor: Tensor) -> Any:  # noqa: ANN401 - a context
    return builder.recording(sweep, tensor.node, "jacobian", builder.source_of(tensor.node))


def _basis(tensor: Tensor) -> Tensor:
    """Return the unit directions of a tensor's elements, one after the other along a first axis."""
    builder: Any = tensor.builder
    size: int | Dim = product(tensor.shape)
    return _reshaped(builder.eye(size, dtype=tensor.dtype), (size, *tensor.shape))


def _as_block(rows: Tensor, output: Tensor, tensor: Tensor) -> Tensor:
    """Return what was computed with the axes of both, in the output's dtype whatever the mode."""
    block = _reshaped(rows, (*output.shape, *tensor.shape))
    if block.dtype == output.dtype:
        return block
    cast: Tensor = find_function("astype")(block, output.dtype)
    return cast


def _zeros(output: Tensor, tensor: Tensor) -> Tensor:
    builder: Any = output.builder
    zeros: Tensor = builder.zeros((*output.shape, *tensor.shape), output.dtype)
    return zeros


def _reshaped(tensor: Tensor, shape: Sequence[Any] | Shape) -> Tensor:
    reshaped: Tensor = find_function("reshape")(tensor, tuple(shape))
    return reshaped
