"""Makes the helpers of this folder importable by the tests below it."""
