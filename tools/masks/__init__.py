"""From fused attention maps to masks, with numpy and OpenCV."""
