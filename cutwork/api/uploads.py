"""Pictures of strangers, as the routes take them in: what `tools.intake` does, under the name the routes know it by."""

from cutwork.tools.intake import MEDIA_TYPES, MOST_BYTES, MOST_PIXELS, Taken, TooLarge, WrongType, take_in

__all__ = ["MEDIA_TYPES", "MOST_BYTES", "MOST_PIXELS", "Taken", "TooLarge", "WrongType", "take_in"]
