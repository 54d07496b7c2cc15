"""Linear algebra: factorisations, solutions, norms. Importing it declares the ops ``linalg.*``."""

from dataflow.ops.linalg.determinants import *
from dataflow.ops.linalg.eigh import *
from dataflow.ops.linalg.pseudo import *
from dataflow.ops.linalg.solving import *
from dataflow.ops.linalg.svd import *
