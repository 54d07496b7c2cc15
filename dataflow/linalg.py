"""Linear algebra: the functions of `df.linalg`."""

from dataflow.namespace import public_names as _public_names
from dataflow.ops.linalg import *


def __dir__() -> list[str]:
    return _public_names(globals())
