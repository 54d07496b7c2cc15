"""Functions that bring their own reverse sweep: `custom_gradient`.

The node holds the function and its reverse sweep as bodies, so both are in the file, and a graph
that is loaded is differentiated by them. A compiler puts the forward body's nodes in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.bodies import cost_of, cut_out, evaluated, traced
from dataflow.calling import call_function
from dataflow.current import builder_for
from dataflow.dispatch import public
from dataflow.drafts import Draft, drafting
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.operation import Absent, Cost, Op, Sample, Specs, register
from dataflow.ops.bodied import no_kernel, run_first_body
from dataflow.ops.custom_rules import CustomForm, batch_custom, jvp_custom, vjp_custom
from dataflow.ops.parts import check_same, picked
from dataflow.source import user_line
from dataflow.spec import Spec
from dataflow.trees import form_of, leaves_of, prefixed, rebuilt

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Array
    from dataflow.tensor import Tensor

__all__ = ["custom_gradient"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    form = CustomForm.of(attrs)
    check_same("the function takes", form.forward.input_specs, specs)
    made, residuals = form.split_results(form.forward.output_specs)
    seeds = [spec for spec in made if spec.is_float]
    check_same("the gradient takes", form.backward.input_specs, [*seeds, *specs, *residuals])
    check_same("the gradient gives", form.backward.output_specs, picked(specs, form.moved))
    return form.forward.output_specs


def _reference(*operands: Array, attrs: Attrs) -> tuple[Array, ...]:
    return tuple(evaluated(CustomForm.of(attrs).graphs[0], operands))


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    inner = cost_of(CustomForm.of(attrs).graphs[0])
    return Cost(inner.flops, inner.bytes + traffic(ins, outs))


def _samples(rng: np.random.Generator) -> list[Sample]:
    """Functions of an integer too, with a residual, and the gradient that is theirs."""
    from dataflow.builder import GraphBuilder

    def of(x: Array, y: Array) -> Sample:
        place = np.asarray(3)
        specs = [Spec.like(array) for array in (x, y, place)]

        def forward(tensors: list[Tensor]) -> list[Tensor]:
            sine = call_function("sin", tensors[0])
            return [sine * tensors[1], tensors[2] + 1, sine]

        def backward(tensors: list[Tensor]) -> list[Tensor]:
            seed, x, y, _, sine = tensors
            return [seed * y * call_function("cos", x), seed * sine]

        first = traced(GraphBuilder(), specs, forward)
        second = traced(GraphBuilder(), [specs[0], *specs, specs[0]], backward)
        return Sample((x, y, place), CustomForm(first, second, 3, 2, (0, 1)).attrs())

    x, y = rng.normal(size=(2, 3))
    return [
        of(x, y), of(x[0, None][0], y[0, None][0]), of(x[:0], y[:0]),
        of(x.astype(np.float32), y.astype(np.float32)),
    ]  # fmt: skip


CUSTOM = register(Op(
    name="custom_gradient", label="CustomGradient", infer=_infer, kernel=no_kernel,
    control=run_first_body, reference=_reference,
    vjp=vjp_custom, jvp=jvp_custom, batch=batch_custom,
    tiling=Absent("the body may mix what its operands hold"), cost=_cost, samples=_samples,
    fallible=True, inlines=True, ulps=Absent("as many roundings as the body has"),
))  # fmt: skip


@public()
def custom_gradient(function: Callable[..., tuple[Any, Callable[..., Any]]]) -> Callable[..., Any]:
    """Return a function whose derivative is the one that it brings along.

    Parameters
    ----------
    function : callable
        Of tensors, or of tuples, lists and dictionaries of them. It returns a pair: its value, in
        any such form; and ``pull``, a function from the value's cotangents, in the value's form, to
        those of the arguments: one for each argument in its form, or alone where there is one
        argument; None stands for a zero. `pull` may use all that `function` has computed.

    Returns
    -------
    callable
        It declares one node, and returns the value. The node holds both functions as graphs, so a
        file does too. Keyword arguments are handed to `function` as they are.

    Raises
    ------
    GraphError
        At a call: `function` returns no such pair, or `pull` something of another form.
    ShapeError, DTypeError
        At a call: a cotangent isn't like its argument.
    GradientError
        In forward mode, where `pull` isn't linear in the cotangents; in any, by a tensor that
        `function` reads from outside: make it an argument.

    Notes
    -----
    Forward mode is the transpose of `pull`, so the two agree at every order. What the value's
    derivatives of higher order are is what `pull` says, differentiated.

    Examples
    --------
    >>> import dataflow as df
    >>> @df.custom_gradient
    ... def rounded(x):
    ...     return df.round(x), lambda cotangent: cotangent
    >>> x = df.GraphBuilder().constant(2.6)
    >>> df.evaluate(rounded(x), df.grad(rounded(x), x))
    (array(3., dtype=float32), array(1., dtype=float32))
    """
    if not callable(function):
        msg = f"df.custom_gradient ({user_line()}) takes a function, not {function!r}"
        raise GraphError(msg)

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - trees
        builder: Any = builder_for("df.custom_gradient", None, *leaves_of(arguments))
        given = [builder.asarray(leaf) for leaf in leaves_of(arguments)]
        drafted = _drafted(builder, lambda *trees: function(*trees, **options), arguments, given)
        form, outer = _bodies(drafted)
        outputs = builder.apply(CUSTOM, [*given, *outer], form.attrs())
        return rebuilt(drafted.form, list(outputs[: len(drafted.results)]))

    return call


class _Drafted(NamedTuple):
    """A function and its reverse sweep, withdrawn from their builder."""

    forward: Draft
    results: list[Tensor]
    form: Any
    backward: Draft
    cotangents: dict[int, Tensor]  # by the place of the argument


def _drafted(
    builder: Any, function: Callable[..., Any], arguments: tuple[Any, ...],  # noqa: ANN401
    given: list[Tensor],
) -> _Drafted:  # fmt: skip
    """Call a function on stand-ins, and what it returns on stand-ins for cotangents."""
    with drafting(builder, [tensor.spec for tensor in given], takes_all=True) as forward:
        value, pull = _pair(function(*rebuilt(arguments, list(forward.stand_ins))))
        results = [builder.asarray(leaf) for leaf in leaves_of(value)]
        floats = [tensor.spec for tensor in results if tensor.spec.is_float]
        with drafting(builder, floats, takes_all=True) as backward:
            seeds = iter(backward.stand_ins)
            parts = [next(seeds) if tensor.spec.is_float else None for tensor in results]
            found = pull(rebuilt(value, parts))
            leaves = _cotangents(arguments, found)
            cotangents = {
                place: builder.asarray(leaf)
                for place, leaf in enumerate(leaves)
                if leaf is not None
            }
            _check_cotangents(cotangents, given)
    return _Drafted(forward, results, form_of(value), backward, cotangents)


def _bodies(drafted: _Drafted) -> tuple[CustomForm, list[Tensor]]:
    """Return both bodies, and what they read from outside."""
    forward, results, _, backward, cotangents = drafted
    ends = list(cotangents.values())
    known = set(forward.stand_ins)  # a tuple would compare by `==`, which declares a node
    read = [tensor for tensor in backward.outside(ends) if tensor not in known]
    made = {tensor for node in forward.declared for tensor in node.application.outputs}
    residuals = [tensor for tensor in read if tensor in made]
    captured = [tensor for tensor in read if tensor not in made]
    outer = list(dict.fromkeys([*forward.outside([*results, *residuals]), *captured]))
    first = cut_out(forward, [*results, *residuals], outer)
    second = cut_out(backward, ends, [*forward.stand_ins, *outer, *residuals])
    arguments = len(forward.stand_ins)
    return CustomForm(first, second, arguments, len(results), tuple(cotangents)), outer


def _pair(result: object) -> tuple[Any, Callable[..., Any]]:
    if not isinstance(result, tuple) or len(result) != 2 or not callable(result[1]):
        msg = (f"df.custom_gradient ({user_line()}): the function returns its value and a function "
               f"from cotangents to cotangents, not {result!r}")  # fmt: skip
        raise GraphError(msg)
    return result


def _cotangents(arguments: tuple[Any, ...], found: object) -> list[Any]:
    """Return a cotangent or None for each leaf of the arguments."""
    is_alone = len(arguments) == 1 and form_of(found) == form_of(arguments[0])
    every = found if isinstance(found, tuple) and not is_alone else (found,)
    if len(every) != len(arguments):
        msg = (f"df.custom_gradient ({user_line()}): the gradient gives {len(every)} cotangents of "
               f"{len(arguments)} arguments")  # fmt: skip
        raise GraphError(msg)
    what = "df.custom_gradient: the cotangent"
    pairs = zip(arguments, every, strict=True)
    return [leaf for argument, part in pairs for leaf in prefixed(what, part, argument)]


def _check_cotangents(cotangents: dict[int, Tensor], given: Sequence[Tensor]) -> None:
    for place, cotangent in cotangents.items():
        argument = given[place]
        if cotangent.spec != argument.spec:
            kind = ShapeError if cotangent.shape != argument.shape else DTypeError
            msg = (f"df.custom_gradient ({user_line()}): the cotangent of argument {place} is "
                   f"{cotangent.spec}, the argument {argument.spec}")  # fmt: skip
            raise kind(msg)
