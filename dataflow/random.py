"""Random draws by key: the functions of `df.random`."""

from dataflow.namespace import public_names as _public_names
from dataflow.ops.random import *


def __dir__() -> list[str]:
    return _public_names(globals())
