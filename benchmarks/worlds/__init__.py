"""What the benchmarks of the synthetic worlds share: homes, training tables, planted leaks, paired comparisons."""
