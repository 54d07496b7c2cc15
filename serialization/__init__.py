"""Graph, plan and state to and from Arrow files; `files` has `save` and `load`."""
