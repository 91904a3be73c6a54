"""Whether what manufacturers are told to do helps: plans acted on in the structural engine of the simulated world."""
