"""Attention control: pure torch, one idea a file. Knows nothing of diffusers or of Cutwork's own types."""
