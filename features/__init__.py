"""What we observe per obligor and date: machine-days, feature families, data trust."""
