"""`df.op`: the user's own operations, declared from NumPy functions.

What is declared is a record like ours (`dataflow.operation.Op`), in the same registry, so sweeps,
scheduler and files treat it as they treat all others. Three things differ, since the function is
the user's: it returns arrays, or fills `out`, where our kernels bind raw calls; it gets read-only
views, so that it can't write to what isn't its own; and what it returns is checked at each call.

The op's name says the module that declares it, ``my_ops.smooth``. A file holds that name and no
code: who opens it must have imported the module before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.dispatch import FAMILIES
from dataflow.elementwise import batch_elementwise, elementwise_tiling, traffic
from dataflow.errors import ArgumentError, DataflowError, GraphError, KernelError, ShapeError
from dataflow.operation import (
    NEWEST,
    REGISTRY,
    Absent,
    Arrays,
    Call,
    Cost,
    Op,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.source import user_line
from dataflow.spec import Spec, as_dtype, broadcast_shapes
from dataflow.tensor import builder_of
from dataflow.user_rules import batch_leading, batch_one_by_one, jvp_rule, vjp_rule

if TYPE_CHECKING:
    from dataflow.operation import Array

__all__ = ["UserOp", "op", "sample_of"]

_SCALARS = (bool, int, float, str)


@dataclass(eq=False)  # not frozen: functools gives it the function's name and docstring
class UserOp:
    """An operation that a user declared; called on tensors, it declares a node.

    Parameters
    ----------
    op : Op
        Its record, as the registry has it.
    function : callable
        What it computes, in NumPy.
    defaults : Attrs
        The static parameters that have a default.
    """

    op: Op
    function: Callable[..., Any]
    defaults: Attrs

    def __call__(self, *inputs: Any, **parameters: Any) -> Any:  # noqa: ANN401 - one tensor or more
        """Declare a node.

        Parameters
        ----------
        *inputs : tensor, array or scalar
            At least one is a tensor, or the call stands in ``with builder:``.
        **parameters : bool, int, float, str, None, or a tuple of these
            Static parameters.

        Returns
        -------
        Tensor or tuple of Tensor
            As many as the function returns arrays.

        Raises
        ------
        ArgumentError
            A parameter is unknown, missing or of another kind.
        ShapeError, DTypeError, GraphError
            The op's `spec` refuses the inputs.
        """
        builder: Any = builder_of(*inputs)
        attrs = _attrs(self, parameters)
        outputs = builder.apply(self.op, [builder.asarray(value) for value in inputs], attrs)
        return outputs[0] if len(outputs) == 1 else outputs


def op(  # noqa: PLR0913 - the facts of a record
    name: str = "", *, spec: Callable[..., Any] | str, vjp: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None, batch: str = "one by one",
    tiling: Callable[..., Tiling] | None = None, cost: Callable[..., tuple[int, int]] | None = None,
    internal: int | Callable[..., int] = 0, samples: Iterable[Sequence[Any]] = (), version: int = 1,
) -> Callable[[Callable[..., Any]], UserOp]:  # fmt: skip
    """Declare an operation from a NumPy function.

    Parameters
    ----------
    name : str
        The op's name in graphs and files: the module that declares it, a dot, and a name of its
        own. By default those of the function.
    spec : callable or "elementwise"
        ``spec(*inputs, **parameters)`` gives a `Spec`, or a tuple of them, from those of the
        inputs. ``"elementwise"``: the inputs broadcast, and the result has their common dtype.
    vjp : callable, optional
        ``vjp(cotangent, output, *inputs, **parameters)`` declares the inputs' cotangents, with
        tensors: one for each input, None for a zero; alone, where there is one input. With
        several outputs, the first two arguments are tuples.
    jvp : callable, optional
        ``jvp(tangents, output, *inputs, **parameters)`` declares the output's tangent, or several,
        from the inputs', which are a tuple. Of `vjp` and `jvp`, one suffices: the other one is its
        transpose.
    batch : str
        What `vmap` does: ``"one by one"`` runs the function on one example after the other;
        ``"leading"`` says that it takes any number of further axes first, in all inputs alike.
        Element-wise ops need no word.
    tiling : callable, optional
        ``tiling(specs, attrs)``, see `dataflow.operation.Op`; element-wise ops have theirs.
    cost : callable, optional
        ``cost(*inputs, **parameters)``, of specs, gives the floating-point operations and the bytes
        read and written. By default no operations, and the bytes of inputs and outputs.
    internal : int or callable
        The bytes that the function allocates inside, beside the arrays that it returns, or
        ``internal(*inputs, **parameters)``, of specs: the certificate counts them.
    samples : iterable of sequences
        Inputs, as arrays, for `df.testing.check_op`; a dictionary at the end holds parameters.
    version : int
        Raise it when the meaning changes: files say which they mean.

    Returns
    -------
    callable
        A decorator for the function. ``function(*arrays, **parameters)`` returns a fresh array, or
        a tuple of them; its parameters are keyword-only. If it has a parameter ``out``, it gets the
        array to fill instead, or a tuple, and returns nothing: then a replay allocates nothing.

    Raises
    ------
    ArgumentError
        A name is of our own, has no module, or is another function's; or an argument isn't what it
        should be.

    Notes
    -----
    The function gets read-only arrays. A plan that runs it names it, with its module, and whoever
    replays the plan imports the module first: ``dataflow replay PLAN --import my_ops``.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> @df.op("my_ops.smooth", spec="elementwise",
    ...        vjp=lambda c, y, x, width: c * width / (x * x + width) ** 1.5)
    ... def smooth(x, *, width=1.0):
    ...     return x / np.sqrt(x * x + width)
    >>> x = df.GraphBuilder().constant(3.0)
    >>> df.evaluate(smooth(x, width=16.0), df.grad(smooth(x, width=16.0), x))
    (array(0.6, dtype=float32), array(0.128, dtype=float32))
    """
    if not callable(spec) and spec != "elementwise":
        msg = f"df.op ({user_line()}): spec is a function of specs, or 'elementwise', not {spec!r}"
        raise ArgumentError(msg)
    if batch not in ("one by one", "leading"):
        msg = f"df.op ({user_line()}): batch is 'one by one' or 'leading', not {batch!r}"
        raise ArgumentError(msg)

    def declare(function: Callable[..., Any]) -> UserOp:
        if not callable(function):
            msg = f"df.op ({user_line()}) declares a function, not {function!r}"
            raise ArgumentError(msg)
        known = _checked_name(name, function)
        is_elementwise = spec == "elementwise"
        infer = partial(_infer, spec) if callable(spec) else _infer_elementwise
        fills = "out" in inspect.signature(function).parameters
        record = Op(
            name=known, label=known.rpartition(".")[2].title().replace("_", ""), version=version,
            infer=infer, kernel=partial(_kernel, function, fills),
            reference=partial(_reference, function, infer, fills),
            vjp=vjp_rule(vjp, jvp), jvp=jvp_rule(vjp, jvp),
            batch=(batch_elementwise if is_elementwise else
                   batch_leading if batch == "leading" else batch_one_by_one),
            tiling=tiling or (elementwise_tiling if is_elementwise else
                              Absent("it was declared without")),
            cost=partial(_cost, cost), workspace=partial(_workspace, internal),
            samples=partial(_samples, tuple(samples)), fallible=True,
            ulps=Absent("its function is the user's"),
        )  # fmt: skip
        _forget_earlier(record, function)
        found = UserOp(register(record), function, _defaults(function))
        update_wrapper(found, function, updated=())
        return found

    return declare


def _checked_name(name: str, function: Callable[..., Any]) -> str:
    name = name or f"{function.__module__}.{function.__name__}"
    module, dot, last = name.rpartition(".")
    is_ours = module.partition(".")[0] in (*FAMILIES, "dataflow", "scheduler", "serialization")
    if not dot or is_ours or not all(part.isidentifier() for part in name.split(".")):
        msg = (f"df.op ({user_line()}): the name of an op is a module's and its own, such as "
               f"'my_ops.{last if last.isidentifier() else 'smooth'}', not {name!r}")  # fmt: skip
        raise ArgumentError(msg)
    return name


def _forget_earlier(record: Op, function: Callable[..., Any]) -> None:
    """Let a module that is loaded again declare its op again, and nobody else."""
    earlier = REGISTRY.get((record.name, record.version))
    if earlier is None:
        return
    declared = earlier.kernel.args[0]  # type: ignore[attr-defined]  # all with a dot are users'
    if (declared.__module__, declared.__qualname__) != (function.__module__, function.__qualname__):
        msg = (f"df.op ({user_line()}): {record.name!r} is declared already, by "
               f"{declared.__module__}.{declared.__qualname__}: choose another name")  # fmt: skip
        raise ArgumentError(msg)
    del REGISTRY[record.name, record.version]
    if NEWEST[record.name].version == record.version:
        del NEWEST[record.name]


# Parameters


def _keywords(function: Callable[..., Any]) -> list[inspect.Parameter]:
    parameters = inspect.signature(function).parameters.values()
    return [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "out"]


def _defaults(function: Callable[..., Any]) -> Attrs:
    known = [p for p in _keywords(function) if p.default is not p.empty]
    return Attrs({p.name: _static(function.__name__, p.name, p.default) for p in known})


def _attrs(user_op: UserOp, parameters: dict[str, Any]) -> Attrs:
    name, names = user_op.op.name, [p.name for p in _keywords(user_op.function)]
    for unknown in parameters.keys() - set(names):
        msg = f"op {name!r} ({user_line()}) has no parameter {unknown!r}; it has {names}"
        raise ArgumentError(msg)
    given = {key: _static(name, key, value) for key, value in parameters.items()}
    attrs = user_op.defaults.replace(**given)
    for missing in set(names) - set(attrs):
        msg = f"op {name!r} ({user_line()}): parameter {missing!r} is missing"
        raise ArgumentError(msg)
    return attrs


def _static(name: str, key: str, value: object) -> Any:  # noqa: ANN401 - of the kinds that a file holds
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (tuple, list)):
        return tuple(_static(name, key, item) for item in value)
    if value is None or type(value) in _SCALARS:
        return value
    msg = (f"op {name!r} ({user_line()}): parameter {key!r} is a bool, int, float, text, None or a "
           f"tuple of these, not {value!r}: make a tensor an input")  # fmt: skip
    raise ArgumentError(msg)


# The record


def _infer_elementwise(specs: Specs, attrs: Attrs) -> Specs:
    if not specs:
        msg = "takes at least one input"
        raise ShapeError(msg)
    dtype = np.result_type(*(spec.dtype for spec in specs))
    return (Spec(broadcast_shapes([spec.shape for spec in specs]), dtype),)


def _infer(spec: Callable[..., Any], specs: Specs, attrs: Attrs) -> Specs:
    try:
        made = spec(*specs, **attrs)
    except DataflowError:
        raise
    except Exception as error:
        msg = f"its spec function fails on ({', '.join(map(str, specs))}), {attrs}: {error!r}"
        raise GraphError(msg) from error
    found = made if isinstance(made, tuple) and not isinstance(made, Spec) else (made,)
    if not found or not all(isinstance(one, Spec) for one in found):
        msg = f"its spec function gives {made!r}, not a df.Spec or a tuple of them"
        raise GraphError(msg)
    return tuple(Spec(one.shape, as_dtype(one.dtype)) for one in found)


def _kernel(
    function: Callable[..., Any], fills: bool,
    outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs,
) -> list[Call]:  # fmt: skip
    inputs = [_read_only(array) for array in ins]
    return [(_fill if fills else _copy, (function, tuple(outs), inputs, dict(attrs)))]


def _fill(
    function: Callable[..., Any], outs: tuple[Array, ...], inputs: Arrays,
    parameters: dict[str, Any],
) -> None:  # fmt: skip
    _called(function, inputs, {**parameters, "out": outs[0] if len(outs) == 1 else outs})


def _copy(
    function: Callable[..., Any], outs: tuple[Array, ...], inputs: Arrays,
    parameters: dict[str, Any],
) -> None:  # fmt: skip
    made = _called(function, inputs, parameters)
    results = made if isinstance(made, tuple) else (made,)
    if len(results) != len(outs):
        msg = f"its function returns {len(results)} arrays, its spec says {len(outs)}"
        raise KernelError(msg)
    for index, (out, result) in enumerate(zip(outs, results, strict=True)):
        if not isinstance(result, (np.ndarray, np.generic)):
            msg = f"its function returns {type(result).__name__}, not an array"
            raise KernelError(msg)
        if (result.shape, result.dtype) != (out.shape, out.dtype):
            msg = (f"its function returns {Spec.like(np.asarray(result))} as output "
                   f"{index}, its spec says {Spec.like(out)}")  # fmt: skip
            raise KernelError(msg)
        np.copyto(out, result)


def _called(function: Callable[..., Any], inputs: Arrays, parameters: dict[str, Any]) -> Any:  # noqa: ANN401 - what the user's function returns
    try:
        return function(*inputs, **parameters)
    except Exception as error:
        msg = f"its function raises {error!r}"
        raise KernelError(msg) from error


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


def _reference(
    function: Callable[..., Any], infer: Callable[[Specs, Attrs], Specs], fills: bool,
    *arrays: Array, attrs: Attrs,
) -> Any:  # fmt: skip  # noqa: ANN401 - one array or more
    inputs = [_read_only(np.asarray(array)) for array in arrays]
    if not fills:
        return function(*inputs, **attrs)
    specs = infer(tuple(Spec.like(array) for array in inputs), attrs)
    outs = tuple(np.empty(spec.static_shape, spec.dtype) for spec in specs)
    function(*inputs, **attrs, out=outs[0] if len(outs) == 1 else outs)
    return outs


def _cost(
    cost: Callable[..., tuple[int, int]] | None, ins: Specs, outs: Specs, attrs: Attrs
) -> Cost:
    return Cost(0, traffic(ins, outs)) if cost is None else Cost(*cost(*ins, **attrs))


def _workspace(internal: int | Callable[..., int], specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace((), internal if isinstance(internal, int) else internal(*specs, **attrs))


def _samples(given: tuple[Sequence[Any], ...], rng: np.random.Generator) -> list[Sample]:
    return [sample_of(sample) for sample in given]


def sample_of(given: Sequence[Any]) -> Sample:
    """Return inputs, and parameters if the last of them is a dictionary, as a sample."""
    *inputs, last = given
    parameters = last if isinstance(last, dict) else {}
    arrays = inputs if isinstance(last, dict) else given
    return Sample(tuple(map(np.asarray, arrays)), Attrs(parameters))
