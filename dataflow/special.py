"""Special functions: those of `df.special`."""

from dataflow.namespace import public_names as _public_names
from dataflow.ops.special import *


def __dir__() -> list[str]:
    return _public_names(globals())
