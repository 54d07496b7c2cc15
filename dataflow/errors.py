"""Every error that the runtime raises, in one tree, so that one ``except`` catches them all.

A message names the node, the op, the slot, what was expected, what came, the user's source line
and the remedy where there is one. Errors that NumPy users know by a built-in type inherit from it
too, so that ``except ValueError`` around a wrong shape goes on working.
"""

from __future__ import annotations


class DataflowError(Exception):
    """The root of all errors raised by this runtime."""

    __str__ = Exception.__str__  # KeyError, which some inherit too, would show the message quoted


class GraphError(DataflowError):
    """A graph, or a declaration in one, is not valid."""


class ArgumentError(GraphError, ValueError):
    """An argument is out of its range, or none of the choices that the operation knows."""


class ShapeError(ArgumentError):
    """Shapes, axes or sizes do not fit the operation."""


class DataDependentShapeError(ShapeError):
    """A result's shape would depend on data, which isn't known before the plan runs."""


class DTypeError(GraphError, TypeError):
    """A dtype, or the kind of a value, does not fit the operation."""


class NameTakenError(GraphError):
    """Two things in one graph were given the same name."""


class UnknownNameError(GraphError, KeyError):
    """Nothing has this name; the message lists what there is."""


class GradientError(GraphError):
    """A derivative was asked for where there is none."""


class CheckError(DataflowError, AssertionError):
    """A check of `df.testing` found that something isn't as it should be."""


class GradientCheckError(CheckError):
    """A derivative isn't what the values say; the report has all comparisons."""

    def __init__(self, message: str, report: object = None) -> None:
        super().__init__(message)
        self.report = report


class CompileError(DataflowError):
    """A graph can't be compiled as asked."""


class PlanError(DataflowError):
    """A plan is not valid: it breaks a rule that `verify` checks."""


class RunError(DataflowError):
    """A replay could not start or could not finish."""


class FeedError(RunError, ValueError):
    """A feed is missing, unknown, or of another shape or dtype than the plan's input."""


class KernelError(RunError):
    """A step failed on its data: an index out of range, a singular matrix."""


class NonFiniteError(KernelError):
    """A step made a NaN or an infinity, where `Runner` was asked to check for them."""


class RunnerBusyError(RunError):
    """`Runner.run` was called while another run of the same runner was under way."""


class StateError(RunError):
    """A state does not fit the plan, or the runner's own state is torn."""


class FileFormatError(DataflowError):
    """A file is not one of ours, or is truncated, altered or hostile."""


class FileAccessError(DataflowError, OSError):
    """The system refused to read or write a file: no such file, no permission, a full disk."""
