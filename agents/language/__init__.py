"""What the offline planner knows of language and of placing things: brief -> things and relations -> boxes.

Not a general parser: it reads a few sentences that say what to draw. `words` holds the lexicon, `tokens` cuts the
text up, `chunks` finds noun phrases, `parse` says how they hang together, `arrange` turns that into boxes.
"""
