"""Dimensions from what users write: sizes, names, and the texts of expressions.

A text is read by Python's own parser, and only what a dimension can be is carried out: a graph
file may come from anywhere.
"""

from __future__ import annotations

import ast
import re
from functools import reduce
from keyword import iskeyword
from typing import TYPE_CHECKING

from dataflow.dims import Dim, as_int, dim_max, named_dim
from dataflow.errors import ShapeError

if TYPE_CHECKING:
    from dataflow.dims import DimLike

__all__ = ["as_dim"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_LONGEST_TEXT = 1000


def as_dim(value: DimLike) -> int | Dim:
    """Turn an int, a name or an expression's text into a dimension.

    Parameters
    ----------
    value : int, str or Dim
        A size of 0 or more, a name, or the text of an expression such as ``"2*batch + 1"``.

    Returns
    -------
    int or Dim
        An int where no name is left.

    Raises
    ------
    ShapeError
        The size is negative, or the text is no expression of names, ints, +, -, *, // and max.

    Examples
    --------
    >>> as_dim("2*(batch + 1)")
    Dim('2*batch + 2')
    """
    if isinstance(value, Dim):
        return value
    if isinstance(value, str):
        return _parse(value)
    size = as_int(value)
    if size is None:
        msg = f"a dimension is an int or a name, not {value!r}"
        raise ShapeError(msg)
    if size < 0:
        msg = f"a dimension can't be negative: {size}"
        raise ShapeError(msg)
    return size


def _parse(text: str) -> int | Dim:
    if len(text) > _LONGEST_TEXT:
        msg = f"a dimension's text is longer than {_LONGEST_TEXT} characters"
        raise ShapeError(msg)
    if _NAME.fullmatch(text) and not iskeyword(text):
        return named_dim(text)
    try:
        dim = _evaluate(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError, ZeroDivisionError) as error:
        msg = f"{text!r} is not a dimension: use names, ints, +, -, *, // and max(a, b)"
        raise ShapeError(msg) from error
    return as_dim(dim)


def _evaluate(tree: ast.expr) -> int | Dim:  # noqa: PLR0911 - one line a kind of expression
    match tree:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return value
        case ast.Name(id=name):
            return _parse(name) if _NAME.fullmatch(name) else _refuse(tree)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _evaluate(operand) * -1
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _evaluate(left) + _evaluate(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _evaluate(left) - _evaluate(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _evaluate(left) * _evaluate(right)
        case ast.BinOp(left=left, op=ast.FloorDiv(), right=right):
            return _evaluate(left) // _evaluate(right)
        case ast.Call(func=ast.Name(id="max"), args=[_, *_] as args, keywords=[]):
            return reduce(dim_max, map(_evaluate, args))
        case _:
            return _refuse(tree)


def _refuse(tree: ast.expr) -> int:
    raise SyntaxError(ast.dump(tree)[:80])
