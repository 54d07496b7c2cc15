"""`vmap`: a function of one example as a function of a batch, by the ops' batch rules."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, overload

from dataflow.builder import GraphBuilder
from dataflow.current import builder_for
from dataflow.dim_texts import as_dim
from dataflow.dims import as_int
from dataflow.dispatch import find_function
from dataflow.drafts import Draft, drafting
from dataflow.errors import GraphError, ShapeError
from dataflow.graph import Graph, Ref
from dataflow.reopening import inline
from dataflow.shapes import move_axis, normal_axis
from dataflow.source import user_line
from dataflow.spec import Spec
from dataflow.tensor import Tensor
from dataflow.trees import leaves_of, prefixed, rebuilt

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike

__all__ = ["vmap"]


@overload
def vmap(
    function: Graph, in_axes: object = 0, out_axes: object = 0, *, axis_size: DimLike | None = None
) -> Graph: ...  # fmt: skip
@overload
def vmap(
    function: Callable[..., Any], in_axes: object = 0, out_axes: object = 0,
    *, axis_size: DimLike | None = None,
) -> Callable[..., Any]: ...  # fmt: skip
def vmap(
    function: Callable[..., Any] | Graph, in_axes: object = 0, out_axes: object = 0,
    *, axis_size: DimLike | None = None,
) -> Callable[..., Any] | Graph:  # fmt: skip
    """Return a function of batches from a function of one example, or a graph from a graph.

    Parameters
    ----------
    function : callable or Graph
        A function takes and returns tensors, or tuples, lists and dictionaries of them. It is
        called once, with tensors that lack the batch's axis; it may use other tensors of the
        builder. A graph's inputs and outputs get the axis; `in_axes` and `out_axes` name them.
    in_axes : int, None, or a tuple of these, nested as the arguments are
        Along which axis of each positional argument the examples lie; None for an argument that
        is the same for all and is handed over as it is. Keyword arguments have axis 0.
    out_axes : int, None, or nested as the result is
        Where the results get the axis; None for a result that is the same for all examples.
    axis_size : int, str or Dim, optional
        The number of examples, where no argument has an axis.

    Returns
    -------
    callable or Graph
        The function takes what `function` takes, arrays in place of tensors too, with the axis
        added; it declares the batched nodes and returns their results. It can be differentiated,
        and given to `vmap` again.

    Raises
    ------
    ShapeError
        When called: an argument has no such axis, or two have different lengths.
    GraphError
        When called: no argument has an axis and no size is given, the function returns what is no
        tensor, or a result that depends on the example is to have no axis.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.constant([1.0, 10.0])
    >>> x = b.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> df.evaluate(df.vmap(lambda one: (w * one).sum())(x))
    array([21., 43., 65.], dtype=float32)

    The gradient for each example:

    >>> df.evaluate(df.vmap(lambda one: df.grad((w * one).sum(), w))(x)).shape
    (3, 2)

    A graph of batches of any size:

    >>> b = df.GraphBuilder()
    >>> pair = {"x": b.input("x", shape=("n",)), "y": b.input("y", shape=("n",))}
    >>> dot = b.build(outputs={"dot": (pair["x"] * pair["y"]).sum()})
    >>> many = df.vmap(dot, in_axes={"x": 0, "y": None}, axis_size="batch")
    >>> many.spec(many.outputs["dot"])
    Spec('float32[batch]')
    """
    if isinstance(function, Graph):
        return _batched_graph(function, in_axes, out_axes, axis_size)
    if not callable(function):
        msg = f"df.vmap ({user_line()}) takes a function of tensors, not {function!r}"
        raise GraphError(msg)

    @wraps(function)
    def batched(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - what the function takes
        given = (args, kwargs)
        axes = [*prefixed("in_axes", in_axes, args), *[0] * len(leaves_of(kwargs))]
        leaves = leaves_of(given)
        builder: Any = builder_for("df.vmap", None, *leaves)
        examples = [
            builder.asarray(leaf) if axis is not None else leaf
            for leaf, axis in zip(leaves, axes, strict=True)
        ]
        rows = [
            _with_axis_first(leaf, axis)
            for leaf, axis in zip(examples, axes, strict=True)
            if axis is not None
        ]
        size = _common_size(rows, axis_size)
        with drafting(builder, [Spec(row.shape[1:], row.dtype) for row in rows]) as draft:
            stand_ins = iter(draft.stand_ins)
            handed = [
                leaf if axis is None else next(stand_ins)
                for leaf, axis in zip(examples, axes, strict=True)
            ]
            one_args, one_kwargs = rebuilt(given, handed)
            result = function(*one_args, **one_kwargs)
        return _batched_result(draft, rows, size, result, out_axes)

    return batched


def _batched_graph(
    graph: Graph, in_axes: object, out_axes: object, axis_size: DimLike | None
) -> Graph:
    """Return a graph whose inputs and outputs have the batch's axis."""
    if axis_size is None:
        msg = f"df.vmap ({user_line()}) of a graph: give axis_size, such as axis_size='batch'"
        raise GraphError(msg)
    size = as_dim(axis_size)
    builder = GraphBuilder(graph.name)
    axes = prefixed("in_axes", in_axes, dict.fromkeys(graph.inputs, 0))
    inputs = {
        name: _batched_input(builder, graph, name, axis, size)
        for name, axis in zip(graph.inputs, axes, strict=True)
    }
    mapped = dict(zip(graph.inputs, axes, strict=True))
    function = vmap(lambda feeds: inline(graph, **feeds), (mapped,), out_axes, axis_size=size)
    return builder.build(outputs=function(inputs))


def _batched_input(
    builder: GraphBuilder, graph: Graph, name: str, axis: object, size: int | Dim
) -> Tensor:
    """Declare a graph's input, with the batch's axis if it has one."""
    spec = graph.spec(Ref(name, 0))
    shape = list(spec.shape)
    if axis is not None:
        ndim = len(shape) + 1
        shape.insert(_checked_axis("in_axes", axis, ndim, f"input {name!r}"), size)
    return builder.input(name, shape, spec.dtype)


def _batched_result(
    draft: Draft, rows: list[Tensor], size: int | Dim, result: object, out_axes: object
) -> Any:  # noqa: ANN401 - in the form of the function's result
    wanted = leaves_of(result)
    for tensor in wanted:
        if not isinstance(tensor, Tensor):
            msg = f"df.vmap ({user_line()}): the function must return tensors, not {tensor!r}"
            raise GraphError(msg)
    axes = prefixed("out_axes", out_axes, result)
    made = draft.batch(rows, size, wanted)
    placed = [
        _with_axis_at(tensor, axis, size, is_batched=is_batched)
        for (tensor, is_batched), axis in zip(made, axes, strict=True)
    ]
    return rebuilt(result, placed)


def _with_axis_first(tensor: Tensor, axis: object) -> Tensor:
    """Return an argument with the examples along its first axis."""
    return move_axis(tensor, _checked_axis("in_axes", axis, tensor.ndim, repr(tensor)), 0)


def _with_axis_at(tensor: Tensor, axis: object, size: int | Dim, *, is_batched: bool) -> Tensor:
    """Return a result with the examples along an axis, or without it where it is None."""
    if axis is None:
        if is_batched:
            msg = (f"df.vmap ({user_line()}): out_axes has None for {tensor!r}, which differs from "
                   "example to example: give it an axis")  # fmt: skip
            raise GraphError(msg)
        return tensor
    if not is_batched:
        tensor = find_function("broadcast_to")(tensor, (size, *tensor.shape))
    return move_axis(tensor, 0, _checked_axis("out_axes", axis, tensor.ndim, repr(tensor)))


def _checked_axis(what: str, axis: object, ndim: int, described: str) -> int:
    """Return an axis of a tensor that has the batch's, counted from 0."""
    place = as_int(axis)
    if place is None or not -ndim <= place < ndim:
        msg = (f"df.vmap ({user_line()}): {what} has {axis!r} for {described}, which has "
               f"{ndim} axes with the batch's")  # fmt: skip
        raise ShapeError(msg)
    return normal_axis(place, ndim)


def _common_size(rows: list[Tensor], axis_size: DimLike | None) -> int | Dim:
    """Return the number of examples, on which all arguments must agree."""
    sizes: dict[int | Dim, None] = dict.fromkeys(row.shape[0] for row in rows)
    if axis_size is not None:
        sizes = {as_dim(axis_size): None, **sizes}
    if not sizes:
        msg = (f"df.vmap ({user_line()}): no argument has an axis, so there is nothing to say how "
               "many examples there are: give axis_size")  # fmt: skip
        raise GraphError(msg)
    if len(sizes) > 1:
        given = [] if axis_size is None else [f"axis_size: {axis_size}"]
        named = ", ".join([*given, *(f"{row!r}: {row.shape[0]}" for row in rows)])
        msg = f"df.vmap ({user_line()}): the arguments have different numbers of examples: {named}"
        raise ShapeError(msg)
    return next(iter(sizes))
