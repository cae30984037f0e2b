"""Output formats, one a file; its name is the kind a brief asks for."""
