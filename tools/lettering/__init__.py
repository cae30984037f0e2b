"""Lettering: text fitted into boxes, painted over pictures, and measured there. Pillow and numpy only; nothing is drawn by a model.

    fonts     which font has a character
    runs      a line of text as pieces of one font and one direction, in the order in which they stand
    breaks    where lines break
    setting   the largest size at which a caption fits its box
    painting  ink on a picture
    scene     the picture that is lettered, and what comes of it
    captions  the captions of a plan on its picture, by layout: top_bottom, bar, labels, panels
    clash     contrast, and what the letters cover
"""
