"""Where runs are kept: a SQL database for everything one can ask about, and files named by content hash for bytes."""
