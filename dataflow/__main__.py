"""``python -m dataflow`` is the command ``dataflow``."""

from __future__ import annotations

from dataflow.cli import command_line

if __name__ == "__main__":
    command_line()
