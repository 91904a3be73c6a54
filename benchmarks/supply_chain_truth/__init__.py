"""Supply-chain finance against the truth of the synthetic world."""
