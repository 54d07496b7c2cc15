"""Neural operations beyond the core. Importing this package declares the ops ``nn.*``."""

from dataflow.ops.nn.convolution import *
