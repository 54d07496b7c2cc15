"""Optimisers: the reverse sweep and the updates of variables, declared as nodes of the graph."""

from dataflow.optim.adagrad import *
from dataflow.optim.adam import *
from dataflow.optim.optimizer import *
from dataflow.optim.rmsprop import *
from dataflow.optim.sgd import *
from dataflow.optim.updates import Parameter as Parameter
from dataflow.optim.updates import Updates as Updates
