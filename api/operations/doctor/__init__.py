"""Whether a home is in order: its folders, database, files, models, parameters, and the software that serves it."""
