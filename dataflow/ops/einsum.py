"""Einstein's summation: `einsum`, as a path of matrix products of two operands.

Two operands at a time become one. A label that both have and that nothing else needs is summed
over, in a matrix product: labels that both keep are its stack, the others its rows and columns.
Labels of one operand alone that nothing needs are added up before; where no label is summed over,
the product is element by element. So there is no op here, and everything is differentiable.

The path comes from `numpy.einsum_path`, which needs shapes only; a named dimension counts there as
a hundred elements.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from dataflow.calling import promoted
from dataflow.dims import Dim, bind_dim
from dataflow.dispatch import public
from dataflow.errors import ArgumentError
from dataflow.ops.axes import transpose
from dataflow.ops.contractions import as_matrices
from dataflow.ops.diagonals import diagonal
from dataflow.ops.matmul import MATMUL, matmul
from dataflow.ops.reductions import sum as add_up
from dataflow.ops.shaping import reshape
from dataflow.ops.subscripts import (
    Labels,
    Subscripts,
    as_subscripts,
    lengths_of,
    split_operands,
    text_of,
)
from dataflow.source import user_line
from dataflow.spec import as_dtype

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["einsum", "einsum_path"]

Path: TypeAlias = "Sequence[tuple[int, ...]]"
Optimize: TypeAlias = "bool | str | Sequence[Any]"
_GUESS = 100


class _Term(NamedTuple):
    """A tensor, and a label for each of its axes."""

    tensor: Tensor
    labels: Labels


@public(np.einsum)
def einsum(
    *operands: Any,  # noqa: ANN401 - of two kinds
    dtype: object = None,
    optimize: Optimize = True,
) -> Tensor:
    """Return a sum of products, written by labels of axes: ``"ij,jk->ik"`` is a matrix product.

    Parameters
    ----------
    *operands : str and tensors, or tensors and lists of ints
        Subscripts and then operands, at least one of them a tensor; or each operand followed by a
        list of ints (and `Ellipsis`) that label its axes, and maybe a list for the result.
        A label twice in one operand takes its diagonal. A label that isn't in the result is summed
        over. Without ``->`` the result has the labels that occur once, in alphabetical order.
        ``...`` stands for any axes, which broadcast. dtypes are promoted as NumPy 2 does.
    dtype : dtype, optional
        What the operands are cast to before.
    optimize : bool, str or sequence
        The order in which operands are multiplied. True and ``"greedy"`` find a good one,
        ``"optimal"`` the best, in a time that grows with the factorial of their number; False is
        from left to right; and a path as `einsum_path` returns it is taken as it is.

    Returns
    -------
    Tensor
        Of `dtype`, or the operands' common one, in which integers may overflow.

    Raises
    ------
    ShapeError
        The subscripts are malformed or don't fit the operands, or the path isn't one.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.einsum("ij,kj->ki", x, [[1, 1]]))
    array([[3, 7]])
    >>> int(df.evaluate(df.einsum("ii", x)))
    5
    """
    text, values = split_operands(operands)
    terms, output = _terms(text, values, None if dtype is None else as_dtype(dtype))
    steps = _path(terms, output, optimize)
    for places in steps:
        chosen = [terms[i] for i in sorted(places)]
        terms = [term for i, term in enumerate(terms) if i not in places]
        terms.append(_product(chosen, output, terms))
    return _arranged(_product(terms, output, ()), output)


@public(np.einsum_path)
def einsum_path(
    *operands: Any,  # noqa: ANN401 - of two kinds
    optimize: Optimize = "greedy",
) -> tuple[list[Any], str]:
    """Return the order in which `einsum` multiplies its operands, and a text about its cost.

    Parameters
    ----------
    *operands, optimize
        See `einsum`.

    Returns
    -------
    path : list
        ``"einsum_path"``, and then for each product the places of its factors, which are taken out
        of the list of operands; their product goes to its end.
    text : str
        The products, and how many operations and elements they take, a named dimension counted as
        a hundred.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().zeros((10, 10))
    >>> df.einsum_path("ij,jk,k->i", x, x, np.ones(10))[0]
    ['einsum_path', (1, 2), (0, 1)]
    """
    text, values = split_operands(operands)
    terms, output = _terms(text, values, None)
    return _numpys_path(terms, output, optimize)


# Operands


def _terms(text: str, values: Sequence[Any], dtype: np.dtype | None) -> tuple[list[_Term], Labels]:
    """Return the operands without axes that broadcast or labels that stand twice."""
    tensors = promoted(MATMUL, None, *values)
    tensors = tensors if dtype is None else tuple(x.astype(dtype) for x in tensors)
    subscripts = as_subscripts(text, [x.ndim for x in tensors])
    lengths = lengths_of(subscripts.inputs, [x.shape for x in tensors])
    terms = []
    for tensor, labels in zip(tensors, subscripts.inputs, strict=True):
        stays = [n == lengths[x] for n, x in zip(tensor.shape, labels, strict=True)]
        shape = [n for n, stay in zip(tensor.shape, stays, strict=True) if stay]
        left = tuple(x for x, stay in zip(labels, stays, strict=True) if stay)
        terms.append(_without_repeats(_Term(reshape(tensor, shape), left)))
    return terms, subscripts.output


def _without_repeats(term: _Term) -> _Term:
    """Take the diagonal for every label that stands twice."""
    x, labels = term
    for label in sorted(set(labels)):
        while labels.count(label) > 1:
            i = labels.index(label)
            j = labels.index(label, i + 1)
            x = diagonal(x, 0, i, j)
            labels = (*(y for k, y in enumerate(labels) if k not in (i, j)), label)
    return _Term(x, labels)


# Products


def _product(terms: Sequence[_Term], output: Labels, others: Sequence[_Term]) -> _Term:
    """Multiply terms, keeping the labels that the result or other terms have."""
    keep = {*output, *(x for term in others for x in term.labels)}
    made = terms[0]
    for i, term in enumerate(terms[1:], start=1):
        later = (x for rest in terms[i + 1 :] for x in rest.labels)
        made = _pair(made, term, {*keep, *later}, output)
    return _summed(made, keep)


def _pair(a: _Term, b: _Term, keep: Collection[str], output: Labels) -> _Term:
    a, b = _summed(a, {*keep, *b.labels}), _summed(b, {*keep, *a.labels})
    shared = [x for x in a.labels if x in b.labels]
    stack, inner = [x for x in shared if x in keep], [x for x in shared if x not in keep]
    if not inner:
        return _multiplied(a, b)
    rows = [x for x in a.labels if x not in shared]
    columns = [x for x in b.labels if x not in shared]
    if output == (*stack, *columns, *rows):  # which is the product the other way
        a, b, rows, columns = b, a, columns, rows
    left, right = _laid_out(a, stack, rows, inner), _laid_out(b, stack, inner, columns)
    lengths = _lengths(a) | _lengths(b)
    labels = (*stack, *rows, *columns)
    return _Term(reshape(matmul(left, right), [lengths[x] for x in labels]), labels)


def _laid_out(term: _Term, *groups: Sequence[str]) -> Tensor:
    stack, rows, columns = ([term.labels.index(x) for x in group] for group in groups)
    return as_matrices(term.tensor, stack, rows, columns)


def _lengths(term: _Term) -> dict[str, int | Dim]:
    return dict(zip(term.labels, term.tensor.shape, strict=True))


def _multiplied(a: _Term, b: _Term) -> _Term:
    """Multiply element by element: b's axes in the order of a's, then those that a hasn't."""
    new = [x for x in b.labels if x not in a.labels]
    lengths = _lengths(b)
    ordered = _arranged(b, (*(x for x in a.labels if x in lengths), *new))
    ones: list[int | Dim] = [lengths.get(x, 1) for x in a.labels]
    right = reshape(ordered, [*ones, *(lengths[x] for x in new)])
    left = reshape(a.tensor, (*a.tensor.shape, *[1] * len(new)))
    return _Term(left * right, (*a.labels, *new))


def _summed(term: _Term, keep: Collection[str]) -> _Term:
    """Add up along the axes whose labels nothing needs, without leaving the dtype."""
    x, labels = term
    axes = tuple(i for i, label in enumerate(labels) if label not in keep)
    if not axes:
        return term
    return _Term(add_up(x, axes).astype(x.dtype), tuple(y for y in labels if y in keep))


def _arranged(term: _Term, labels: Labels) -> Tensor:
    order = [term.labels.index(x) for x in labels]
    return term.tensor if order == sorted(order) else transpose(term.tensor, order)


# The order of products


def _path(terms: Sequence[_Term], output: Labels, optimize: Optimize) -> Path:
    if len(terms) < 3 and isinstance(optimize, (bool, str)):
        return [tuple(range(len(terms)))]
    if optimize is False:
        return [(0, 1), *((0, n - 1) for n in range(len(terms) - 1, 1, -1))]
    if isinstance(optimize, (bool, str)) or _is_limited(optimize):
        return list(_numpys_path(terms, output, optimize)[0][1:])
    if not isinstance(optimize, Sequence):
        msg = f"einsum ({user_line()}): optimize is a bool, a way or a path, not {optimize!r}"
        raise ArgumentError(msg)
    steps: list[Any] = [step for step in optimize if step != "einsum_path"]
    _check_path(steps, len(terms))
    return steps


def _is_limited(optimize: Sequence[Any]) -> bool:
    """Say whether this is a way to search with a bound of memory, as NumPy takes it."""
    return (
        isinstance(optimize, Sequence)
        and len(optimize) == 2
        and optimize[0] in ("greedy", "optimal")
    )


def _check_path(steps: Sequence[Any], count: int) -> None:
    """Refuse a path whose steps don't name operands that are left, of `count` at the start."""
    for step in steps:
        places = step if isinstance(step, tuple) else ()
        fits = all(type(i) is int and 0 <= i < count for i in places)
        if not places or not fits or len(set(places)) < len(places):
            msg = (f"einsum ({user_line()}): {step!r} in a path must be a tuple of ints, distinct "
                   f"operands of the {count} that are left")  # fmt: skip
            raise ArgumentError(msg)
        count -= len(places) - 1


def _numpys_path(
    terms: Sequence[_Term], output: Labels, optimize: Optimize
) -> tuple[list[Any], str]:
    """Ask NumPy for a path; it looks at shapes only, so it is given one element repeated."""
    text = text_of(Subscripts(tuple(term.labels for term in terms), output))
    shapes = [tuple(map(guessed, term.tensor.shape)) for term in terms]
    phantoms = [np.broadcast_to(np.zeros(()), shape) for shape in shapes]
    try:
        path, about = np.einsum_path(text, *phantoms, optimize=optimize)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"einsum ({user_line()}): optimize={optimize!r}: {error}"
        raise ArgumentError(msg) from None
    return path, about


def guessed(dim: int | Dim) -> int:
    """Return a dimension as costs are compared with: a named one counts as a hundred elements."""
    sizes = dict.fromkeys(dim.names(), _GUESS) if isinstance(dim, Dim) else {}
    guess = bind_dim(dim, sizes)
    return guess if isinstance(guess, int) else _GUESS
