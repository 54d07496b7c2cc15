"""Neural operations beyond the core. Importing this package declares the ops ``nn.*``."""
