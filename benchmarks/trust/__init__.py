"""The benchmark of data trust: worlds with frauds in several strengths, and what the engine makes of them."""
