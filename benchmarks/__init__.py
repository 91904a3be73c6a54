"""Side-by-side measurements, and the commands that print the figures of the documents."""
