"""Discrete Fourier transforms. Importing this package declares the ops ``fft.*``."""
