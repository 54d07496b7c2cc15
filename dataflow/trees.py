"""Arguments and results that are nested: tuples, lists and dictionaries of leaves.

Transformations of functions take whatever the user's function takes. A *leaf* is anything that is
no container; None is an empty container, so that it can stand for an argument left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dataflow.errors import GraphError
from dataflow.source import user_line

__all__ = ["form_of", "leaves_of", "mapped", "prefixed", "rebuilt"]


def leaves_of(tree: object) -> list[Any]:
    """Return the leaves of a tree, from left to right.

    Examples
    --------
    >>> leaves_of({"a": (1, [2]), "b": None})
    [1, 2]
    """
    found: list[Any] = []
    mapped(found.append, tree)
    return found


def rebuilt(tree: object, leaves: list[Any]) -> Any:  # noqa: ANN401 - a tree of the same form
    """Return a tree of the same form with other leaves.

    Examples
    --------
    >>> rebuilt({"a": (1, [2])}, ["x", "y"])
    {'a': ('x', ['y'])}
    """
    values: Iterator[Any] = iter(leaves)
    return mapped(lambda _: next(values), tree)


def mapped(function: Callable[[Any], Any], tree: object) -> Any:  # noqa: ANN401 - as `rebuilt`
    """Return a tree of the same form whose leaves are a function's results."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {name: mapped(function, child) for name, child in tree.items()}
    if isinstance(tree, (tuple, list)):
        children = [mapped(function, child) for child in tree]
        is_named = hasattr(tree, "_fields")
        return type(tree)(*children) if is_named else type(tree)(children)
    return function(tree)


def prefixed(what: str, prefix: object, tree: object) -> list[Any]:
    """Return for every leaf of a tree the leaf of `prefix` that stands for it.

    `prefix` has the tree's form down to some depth; what stands there holds for all below it.

    Raises
    ------
    GraphError
        The forms differ.

    Examples
    --------
    >>> prefixed("in_axes", (0, None), ([1, 2], 3))
    [0, 0, None]
    """
    if isinstance(prefix, dict) and isinstance(tree, dict) and prefix.keys() == tree.keys():
        return [leaf for name in tree for leaf in prefixed(what, prefix[name], tree[name])]
    if isinstance(prefix, (tuple, list)) and isinstance(tree, (tuple, list)):
        if len(prefix) == len(tree):
            pairs = zip(prefix, tree, strict=True)
            return [leaf for one, child in pairs for leaf in prefixed(what, one, child)]
    elif not isinstance(prefix, (dict, tuple, list)):
        return [prefix] * len(leaves_of(tree))
    msg = (f"{what} {prefix!r} ({user_line()}) has another form than what it is for: "
           f"{form_of(tree)}")  # fmt: skip
    raise GraphError(msg)


def form_of(tree: object) -> Any:  # noqa: ANN401 - a tree of the same form
    """Return a tree of the same form, to compare and to show.

    Examples
    --------
    >>> form_of({"a": (1, [2])})
    {'a': ('…', ['…'])}
    """
    return mapped(lambda _: "…", tree)
