"""How near the probabilities of default come to the exact ones: `python -m benchmarks.credit_truth --json`."""
