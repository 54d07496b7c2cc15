"""Random draws by key and counter. Importing this package declares the ops ``random.*``."""
