"""Functions whose intermediate values are computed again by the reverse sweep, not kept for it.

The node holds the function as a body. Its derivative is a node with another body, that of the
derivative, which computes what it needs on its way: no pass can join the two computations into one,
since neither body's nodes are the graph's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from dataflow.attrs import Attrs
from dataflow.bodies import cost_of, evaluated, traced
from dataflow.calling import call_function
from dataflow.current import builder_for
from dataflow.dispatch import public
from dataflow.elementwise import traffic
from dataflow.errors import GraphError
from dataflow.operation import Absent, Cost, Op, Sample, Specs, register
from dataflow.ops.bodied import no_kernel, run_first_body
from dataflow.ops.body_rules import batch_bodies, jvp_bodies, vjp_bodies
from dataflow.ops.functions import drafted_functions
from dataflow.ops.parts import check_same
from dataflow.source import user_line
from dataflow.spec import Spec
from dataflow.trees import leaves_of, rebuilt

if TYPE_CHECKING:
    from dataflow.operation import Array

__all__ = ["checkpoint"]

_F = TypeVar("_F", bound=Callable[..., Any])


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    bodies = attrs.bodies()
    if len(bodies) != 1:
        msg = f"a checkpoint has one body, not {len(bodies)}"
        raise GraphError(msg)
    check_same("the body takes", bodies[0].input_specs, specs)
    return bodies[0].output_specs


def _reference(*operands: Array, attrs: Attrs) -> tuple[Array, ...]:
    body: Any = attrs.bodies()[0]
    return tuple(evaluated(body, operands))


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    body: Any = attrs.bodies()[0]
    inner = cost_of(body)
    return Cost(inner.flops, inner.bytes + traffic(ins, outs))


def _samples(rng: np.random.Generator) -> list[Sample]:
    """Bodies of several results, one of them an operand."""
    from dataflow.builder import GraphBuilder

    def of(*operands: Array) -> Sample:
        specs = [Spec.like(array) for array in operands]
        body = traced(
            GraphBuilder(), specs, lambda t: [call_function("sin", t[0] * t[1]) * t[1], t[0]]
        )
        return Sample(operands, Attrs(bodies=(body,)))

    x, y = rng.normal(size=(2, 3))
    return [
        of(x, y), of(x[0, None][0], y[0, None][0]), of(x[:0], y[:0]),
        of(x.astype(np.float32), y.astype(np.float32)),
    ]  # fmt: skip


CHECKPOINT = register(Op(
    name="checkpoint", label="Checkpoint", infer=_infer, kernel=no_kernel, control=run_first_body,
    reference=_reference, vjp=vjp_bodies, jvp=jvp_bodies, batch=batch_bodies,
    tiling=Absent("the body may mix what its operands hold"), cost=_cost, samples=_samples,
    fallible=True, ulps=Absent("as many roundings as the body has"),
))  # fmt: skip


@public()
def checkpoint(function: _F) -> _F:
    """Return a function whose intermediate values the reverse sweep computes again.

    Parameters
    ----------
    function : callable
        Of tensors, or of tuples, lists and dictionaries of them; it may use other tensors of the
        builder too. Keyword arguments are handed to it as they are.

    Returns
    -------
    callable
        It declares one node, and returns what `function` returns. A gradient through it keeps its
        arguments alone, and computes what lies between them and the results once more, in memory
        that only that step uses: so a chain of n such functions needs the memory of n arguments and
        of the inside of one.

    Raises
    ------
    GraphError
        At a call: no argument is a tensor of a builder, or a variable's update stands within.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant(2.0)
    >>> y = df.checkpoint(lambda x: df.sin(df.exp(x)))(x)
    >>> df.evaluate(df.grad(y, x)) == df.evaluate(df.grad(df.sin(df.exp(x)), x))
    np.True_
    """
    if not callable(function):
        msg = f"df.checkpoint ({user_line()}) takes a function, not {function!r}: call it on that"
        raise GraphError(msg)

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - trees
        what = "df.checkpoint"
        builder: Any = builder_for(what, None, *leaves_of(arguments))
        drafted = drafted_functions(what, builder, [partial(function, **options)], arguments)
        outputs = builder.apply(CHECKPOINT, drafted.operands, Attrs(bodies=drafted.bodies))
        return rebuilt(drafted.form, list(outputs))

    return call  # type: ignore[return-value]  # with the same signature
