"""An insurer's book as of a day: what is in force, what it earned and cost, and where it could lose most at once."""
