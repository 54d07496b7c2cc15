"""`compile`: the chain of passes from a graph to a plan.

    verify -> lower -> inline -> simplify -> plan bodies -> rematerialise -> place updates
           -> tiles -> order -> memory -> arena -> plan -> verify

Rematerialisation, and more slices than usual, are for plans with a budget.

Each pass is a pure function in a file of its own. The same graph and options give the same plan,
byte for byte, in any process: no pass looks at `id`, `hash`, a clock or the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from dataflow.collecting import collector_paused
from dataflow.errors import CompileError
from dataflow.graph import Graph, Ref
from scheduler.bodies import plan_bodies
from scheduler.budget import Made, Means, as_bytes, fitted
from scheduler.commits import place_updates
from scheduler.costs import program_flops
from scheduler.formulas import with_formulas
from scheduler.inline import inline
from scheduler.layout import lay_out
from scheduler.order import order_items
from scheduler.plan import Plan, PlanInput, PlanOutput, PlanVariable
from scheduler.program import Program, dimension_names, lower
from scheduler.rematerialise import rematerialise
from scheduler.simplify import REWRITES, simplify
from scheduler.verify import verify

if TYPE_CHECKING:
    from dataflow.spec import Spec

__all__ = ["compile", "planner"]

_SLICES = 16
"""How many slices are aimed at: activations then take a sixteenth, and matrix products of the rows
that are left run as fast as whole ones."""


def compile(
    graph: Graph, *, dims: Mapping[str, int] | None = None, outputs: Sequence[str] | None = None,
    updates: bool = True, blas_threads: int = 1, tiles: bool = True,
    memory_budget: int | str | None = None, without: Collection[str] = (),
) -> Plan:  # fmt: skip
    """Compile a graph, or part of it, into a plan.

    Parameters
    ----------
    graph : Graph
        What to compute.
    dims : mapping of str to int
        The sizes of the named dimensions that the wanted part depends on.
    outputs : sequence of str, optional
        The outputs to keep, all by default. Inputs that only others need are dropped.
    updates : bool
        Whether a run updates the variables.
    blas_threads : int
        The number of threads in a matrix product. Bits change with it, so the plan records it.
    tiles : bool
        Whether steps may run slice by slice, through both sweeps where nothing mixes examples, to
        need less memory. Sums over examples are then added up in another order: results differ by
        roundings, but not from run to run.
    memory_budget : int or str, optional
        The bytes that the certificate's total may have, such as ``"64MiB"``. Where the plan would
        need more, it is sliced further, or computes again what it would keep, with the least extra
        work that is found. What is computed again has the same bits.
    without : collection of str
        Rewrites to leave out, for who wants to know what they do: ``"fold"``, which computes what
        is known; ``"choose"``, which drops branches that aren't taken; ``"merge"``, which computes
        equal nodes once; ``"unite"``, which computes a function and its derivative together. All
        results are the same bits without them.

    Returns
    -------
    Plan
        Verified.

    Raises
    ------
    CompileError
        An output, a dimension or a rewrite is unknown, or a dimension has no size or one that
        can't be; or
        no plan within the budget was found: the message says what the least is, and which node
        needs it.
    GraphError
        The graph breaks a rule.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder("square")
    >>> x = b.input("x", shape=("n",))
    >>> plan = df.compile(b.build(outputs={"y": x * x}), dims={"n": 4})
    >>> plan.peak, plan.lower_bound
    (64, 64)
    """
    if isinstance(blas_threads, bool) or not isinstance(blas_threads, int) or blas_threads < 1:
        msg = f"blas_threads is a number of threads of 1 or more, not {blas_threads!r}"
        raise CompileError(msg)
    if not isinstance(tiles, bool):
        msg = f"tiles is True or False, not {tiles!r}"
        raise CompileError(msg)
    options = {"blas_threads": str(blas_threads), "tiles": _text(flag=tiles),
               "updates": _text(flag=updates)}  # fmt: skip
    if without:
        options["without"] = ",".join(_checked_rewrites(without))
    if memory_budget is not None:
        options["memory_budget"] = str(as_bytes(memory_budget))
    with collector_paused():
        return _compile(graph, dims or {}, outputs, options)


def _text(*, flag: bool) -> str:
    return str(bool(flag)).lower()


def _checked_rewrites(without: Collection[str]) -> list[str]:
    names = [without] if isinstance(without, str) else list(without)
    for name in names:
        if name not in REWRITES:
            msg = f"without names rewrites of {list(REWRITES)}, not {name!r}"
            raise CompileError(msg)
    return sorted(set(names))


def _left_out(options: Mapping[str, str]) -> frozenset[str]:
    """Return the rewrites that a plan's options leave out."""
    return frozenset(filter(None, options.get("without", "").split(",")))


def _compile(
    graph: Graph, dims: Mapping[str, int], outputs: Sequence[str] | None,
    options: Mapping[str, str],
) -> Plan:  # fmt: skip
    make, tiles = planner(graph, dims, outputs, options), options["tiles"] == "true"
    if "memory_budget" in options:
        plan = fitted(make, int(options["memory_budget"]), tiles=tiles)
    else:
        plan = make(Means(slices=_SLICES if tiles else 1)).plan
    verify(plan)
    return plan


def planner(
    graph: Graph, dims: Mapping[str, int], outputs: Sequence[str] | None,
    options: Mapping[str, str],
) -> Callable[[Means], Made]:  # fmt: skip
    """Return what makes a graph's plan by given means, which has yet to be verified."""
    if not isinstance(graph, Graph):
        msg = f"compile takes a graph, not {type(graph).__name__}: builder.build(...) makes one"
        raise CompileError(msg)
    graph.verify()
    sizes = _checked_sizes(graph, dims)
    wanted = _wanted_outputs(graph, outputs)
    written = {n: v.update for n, v in graph.variables.items() if v.update is not None}
    if options["updates"] == "false":
        written = {}
    left_out = _left_out(options)
    program = simplify(inline(lower(graph, sizes, wanted, written)), without=left_out)
    own = {**options, "outputs": ",".join(wanted)}
    initial = _initial_plan(graph, sizes, program, own)
    program = _with_bodies(program, own)

    @cache
    def recomputing(limit: int | None) -> Program:
        return program if limit is None else _recomputing(program, limit)

    @cache
    def make(means: Means) -> Made:
        ready = recomputing(means.limit)
        plan = _plan(graph, sizes, own, ready, wanted, initial, slices=means.slices)
        return Made(plan, partial(program_flops, ready))

    return make


def _recomputing(program: Program, limit: int) -> Program:
    """Compute items again where more lives than a limit, in the order that would be chosen."""
    order = [index for index in order_items(place_updates(program)) if index < len(program.items)]
    return rematerialise(program, order, limit)


def _initial_plan(
    graph: Graph, sizes: Mapping[str, int], program: Program, options: Mapping[str, str]
) -> Plan | None:
    """Plan the first values of the variables that a program has; without folding, to stay small."""
    ends = {name: graph.variables[name].initial for name in program.variables}
    if not ends:
        return None
    first = simplify(inline(lower(graph, sizes, ends, {})), fold_limit=0,
                     without=_left_out(options))  # fmt: skip
    own = {**options, "outputs": ",".join(ends), "tiles": "false", "updates": "false"}
    first = _with_bodies(first, own)
    return _plan(graph, sizes, own, first, ends, None, slices=1)


def _with_bodies(program: Program, options: Mapping[str, str]) -> Program:
    """Plan the bodies of control flow, whose dimensions are known; their inputs all stay."""
    slices = _SLICES if options["tiles"] == "true" else 1

    def ready(body: Graph) -> Program:
        lowered = inline(lower(body, {}, body.outputs, {}, keeps_inputs=True))
        inner = simplify(lowered, without=_left_out(options))
        return _with_bodies(inner, options)

    def plan(body: Graph, inner: Program) -> Plan:
        return _plan(body, {}, options, inner, body.outputs, None, slices=slices)

    return plan_bodies(program, ready, plan)


def _plan(
    graph: Graph, sizes: Mapping[str, int], options: Mapping[str, str], program: Program,
    ends: Mapping[str, Ref], initial: Plan | None, *, slices: int,
) -> Plan:  # fmt: skip
    program = place_updates(program)
    memory, buffers, peak, bound = lay_out(program, slices=slices)
    buffers = with_formulas(graph, sizes, memory, buffers)
    number = {value: operand.buffer for value, operand in memory.operands.items()}
    return Plan(
        name=graph.name, graph_digest=graph.digest(), sizes=sizes, options=options,
        steps=tuple(memory.steps), groups=tuple(memory.groups), buffers=buffers,
        inputs=tuple(PlanInput(name, number[value], program.specs[value],
                               _dims(graph, Ref(name, 0), program.specs[value]))
                     for name, value in program.inputs.items()),
        outputs=tuple(PlanOutput(name, memory.operands[value],
                                 _dims(graph, ends[name], program.specs[value]))
                      for name, value in program.outputs.items()),
        variables=tuple(PlanVariable(name, number[value], program.specs[value],
                                     program.updates.get(name, value) != value)
                        for name, value in program.variables.items()),
        constants={number[value]: array for value, array in program.constants.items()},
        peak=peak, lower_bound=bound, internal=memory.internal, initial=initial,
    )  # fmt: skip


def _dims(graph: Graph, ref: Ref, spec: Spec) -> tuple[str, ...]:
    """Return a tensor's dimensions as the graph names them; a slice of it is shorter."""
    pairs = zip(graph.spec(ref).shape, spec.static_shape, strict=True)
    return tuple(str(size if isinstance(dim, int) else dim) for dim, size in pairs)


def _checked_sizes(graph: Graph, dims: Mapping[str, int]) -> dict[str, int]:
    if not dims:
        return {}
    known = sorted({
        name for data in graph.dag.nodes.values()
        for name in dimension_names(data["attrs"], data["specs"])
    })  # fmt: skip
    sizes: dict[str, int] = {}
    for name in sorted(dims):
        if name not in known:
            msg = f"graph {graph.name!r} has no dimension {name!r}; it has {known}"
            raise CompileError(msg)
        size = dims[name]
        if isinstance(size, bool) or not hasattr(size, "__index__") or size.__index__() < 0:
            msg = f"dimension {name!r}: a size is an int of 0 or more, not {size!r}"
            raise CompileError(msg)
        sizes[name] = size.__index__()
    return sizes


def _wanted_outputs(graph: Graph, outputs: Sequence[str] | None) -> dict[str, Ref]:
    if isinstance(outputs, str):
        outputs = [outputs]
    names = list(graph.outputs) if outputs is None else list(outputs)
    for name in names:
        if name not in graph.outputs:
            msg = f"graph {graph.name!r} has no output {name!r}; it has {list(graph.outputs)}"
            raise CompileError(msg)
    return {name: graph.outputs[name] for name in names}
