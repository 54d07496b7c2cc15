"""Computations and their gradients as static graphs: declare, differentiate, compile, replay.

``import dataflow as df`` is all that a user needs. Building a graph loads neither pyarrow nor the
scheduler, and replaying a plan no builder: every name is resolved when it is first used (PEP 562).
"""

from __future__ import annotations

import importlib
import os.path
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dataflow import errors as errors
from dataflow.errors import DataflowError as DataflowError

if TYPE_CHECKING:
    from dataflow import fft as fft
    from dataflow import linalg as linalg
    from dataflow import nn as nn
    from dataflow import optim as optim
    from dataflow import random as random
    from dataflow import special as special
    from dataflow.attrs import Attrs as Attrs
    from dataflow.builder import GraphBuilder as GraphBuilder
    from dataflow.derivatives import grad as grad
    from dataflow.derivatives import hvp as hvp
    from dataflow.derivatives import jvp as jvp
    from dataflow.derivatives import linearize as linearize
    from dataflow.derivatives import value_and_grad as value_and_grad
    from dataflow.derivatives import vjp as vjp
    from dataflow.differentiation import differentiate as differentiate
    from dataflow.dims import Dim as Dim
    from dataflow.dtypes import *
    from dataflow.graph import Graph as Graph
    from dataflow.graph import Ref as Ref
    from dataflow.jacobians import hessian as hessian
    from dataflow.jacobians import jacfwd as jacfwd
    from dataflow.jacobians import jacobian as jacobian
    from dataflow.jacobians import jacrev as jacrev
    from dataflow.namespace import __array_api_version__ as __array_api_version__
    from dataflow.namespace import __array_namespace_info__ as __array_namespace_info__
    from dataflow.ops import *
    from dataflow.reopening import inline as inline
    from dataflow.reopening import reopen as reopen
    from dataflow.sparse_jacobian import SparseJacobian as SparseJacobian
    from dataflow.spec import Spec as Spec
    from dataflow.tensor import Tensor as Tensor
    from dataflow.user_ops import op as op
    from dataflow.vectorize import vmap as vmap
    from scheduler import testing as testing
    from scheduler.compiler import compile as compile
    from scheduler.memory_profile import memory_profile as memory_profile
    from scheduler.plan import Plan as Plan
    from scheduler.reference import evaluate as evaluate
    from scheduler.runner import Runner as Runner
    from scheduler.state import State as State
    from serialization.files import load as load
    from serialization.files import save as save

__version__ = "0.1.0"

_LAZY = {
    "__array_api_version__": "dataflow.namespace",
    "__array_namespace_info__": "dataflow.namespace",
    "Attrs": "dataflow.attrs",
    "Dim": "dataflow.dims",
    "Graph": "dataflow.graph",
    "GraphBuilder": "dataflow.builder",
    "Plan": "scheduler.plan",
    "Ref": "dataflow.graph",
    "Runner": "scheduler.runner",
    "Spec": "dataflow.spec",
    "SparseJacobian": "dataflow.sparse_jacobian",
    "State": "scheduler.state",
    "Tensor": "dataflow.tensor",
    "compile": "scheduler.compiler",
    "evaluate": "scheduler.reference",
    "differentiate": "dataflow.differentiation",
    "grad": "dataflow.derivatives",
    "hessian": "dataflow.jacobians",
    "hvp": "dataflow.derivatives",
    "inline": "dataflow.reopening",
    "jacfwd": "dataflow.jacobians",
    "jacobian": "dataflow.jacobians",
    "jacrev": "dataflow.jacobians",
    "jvp": "dataflow.derivatives",
    "linearize": "dataflow.derivatives",
    "load": "serialization.files",
    "memory_profile": "scheduler.memory_profile",
    "op": "dataflow.user_ops",
    "reopen": "dataflow.reopening",
    "save": "serialization.files",
    "value_and_grad": "dataflow.derivatives",
    "vjp": "dataflow.derivatives",
    "vmap": "dataflow.vectorize",
}
_DTYPES = (
    "bool", "complex64", "complex128", "e", "float16", "float32", "float64", "inf", "int8",
    "int16", "int32", "int64", "nan", "newaxis", "pi", "uint8", "uint16", "uint32", "uint64",
)  # fmt: skip
_LAZY |= dict.fromkeys(_DTYPES, "dataflow.dtypes")
_LAZY_MODULES = ("fft", "linalg", "nn", "optim", "random", "special")


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name in _LAZY_MODULES:
        value: object = importlib.import_module(f"dataflow.{name}")
    elif name == "testing":
        value = _our_module("scheduler.testing")
    elif name in _LAZY:
        value = getattr(_our_module(_LAZY[name]), name)
    else:
        value = _function(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    dispatch = importlib.import_module("dataflow.dispatch")
    dispatch.load_family("*")
    functions = {name for name in dispatch.FUNCTIONS if "." not in name}
    return sorted({"DataflowError", "errors", *_LAZY, *_LAZY_MODULES, "testing", *functions})


def _function(name: str) -> Any:  # noqa: ANN401 - a function on tensors
    dispatch = importlib.import_module("dataflow.dispatch")
    if not name.startswith("_"):
        with suppress(KeyError):
            return dispatch.find_function(name)
    msg = f"module 'dataflow' has no attribute {name!r}"
    raise AttributeError(msg)


def _our_module(name: str) -> Any:  # noqa: ANN401 - a module
    """Import a module of our distribution, and refuse another package of the same generic name."""
    package = importlib.import_module(name.partition(".")[0])

    home = os.path.dirname(os.path.dirname(__file__))
    if os.path.dirname(os.path.dirname(package.__file__ or "")) != home:
        msg = (f"import {package.__name__}: found {package.__file__ or package.__path__}, which "
               f"isn't dataflow's own in {home}; rename it or change sys.path")  # fmt: skip
        raise errors.DataflowError(msg)
    return importlib.import_module(name)
