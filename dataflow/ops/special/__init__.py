"""Special functions, most with the extra `scipy`. Importing it declares the ops ``special.*``."""
