"""How the tables came to be, step by step; run by `cutwork.storage.db.upgrade`."""
