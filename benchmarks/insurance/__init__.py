"""Insurance models on real books, and beside the truth of synthetic ones."""
