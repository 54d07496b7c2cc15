"""Linear algebra: factorisations, solutions, norms. Importing it declares the ops ``linalg.*``."""

from dataflow.ops.linalg.cholesky import *
from dataflow.ops.linalg.conditioning import *
from dataflow.ops.linalg.determinants import *
from dataflow.ops.linalg.eig import *
from dataflow.ops.linalg.eigh import *
from dataflow.ops.linalg.expm import *
from dataflow.ops.linalg.lstsq import *
from dataflow.ops.linalg.lu import *
from dataflow.ops.linalg.lyapunov import *
from dataflow.ops.linalg.norms import *
from dataflow.ops.linalg.polar import *
from dataflow.ops.linalg.powers import *
from dataflow.ops.linalg.pseudo import *
from dataflow.ops.linalg.qr import *
from dataflow.ops.linalg.riccati import *
from dataflow.ops.linalg.roots import *
from dataflow.ops.linalg.solving import *
from dataflow.ops.linalg.standard import *
from dataflow.ops.linalg.structured import *
from dataflow.ops.linalg.svd import *
from dataflow.ops.linalg.sylvester import *
from dataflow.ops.linalg.tensor_systems import *
from dataflow.ops.linalg.triangular import *
from dataflow.ops.linalg.trigonometry import *
