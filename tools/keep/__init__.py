"""A part of a picture drawn anew, and every pixel outside it as it was, to the bit.

*Before*: what an edit takes away and moves, and which pixels may change (`edits.prepared`). *While drawing*: what may not change yet is held to
that picture (`held.held`). *After*: what was drawn is laid in, and a hash of all other pixels is compared (`seam.laid_in`).
"""
