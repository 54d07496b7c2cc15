"""Linear algebra: factorisations, solutions, norms. Importing it declares the ops ``linalg.*``."""
