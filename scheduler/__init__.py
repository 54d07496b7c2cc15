"""The compiler and the machine: graph to plan to replay."""
