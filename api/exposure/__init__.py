"""One exposure priced under a loan and every cover at once."""
