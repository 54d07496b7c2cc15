"""Neural networks: functions, and layers that declare their variables when they are called."""

from dataflow.nn.dense import Dense as Dense
from dataflow.nn.dense import softmax_cross_entropy as softmax_cross_entropy
from dataflow.ops.nn import *
