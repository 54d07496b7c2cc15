"""Graph, plan and state to and from Arrow files."""
