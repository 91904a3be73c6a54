"""Features of many obligors as known at one instant after another, from one reading of everything."""
