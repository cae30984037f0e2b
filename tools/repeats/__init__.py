"""Repeats for textiles: motifs settled on a torus, compiled to a tile, parted into spot colours, printed as tiles and sheets."""
