"""The open testbed: labelled scenes, training, judging and measuring. Not needed to run Cutwork."""
