"""Training on any table: reading it, folds, the ladder, and the model."""
