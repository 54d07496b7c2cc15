"""Optimisers: the reverse sweep and the updates of variables, declared as nodes of the graph."""

from dataflow.namespace import public_names as _public_names
from dataflow.optim.accumulation import *
from dataflow.optim.adadelta import *
from dataflow.optim.adafactor import *
from dataflow.optim.adagrad import *
from dataflow.optim.adam import *
from dataflow.optim.adamax import *
from dataflow.optim.averages import *
from dataflow.optim.clipping import *
from dataflow.optim.cosines import *
from dataflow.optim.lamb import *
from dataflow.optim.lion import *
from dataflow.optim.nadam import *
from dataflow.optim.optimizer import *
from dataflow.optim.radam import *
from dataflow.optim.rmsprop import *
from dataflow.optim.schedules import *
from dataflow.optim.sequences import *
from dataflow.optim.sgd import *
from dataflow.optim.updates import Parameter as Parameter
from dataflow.optim.updates import Updates as Updates


def __dir__() -> list[str]:
    return _public_names(globals())
