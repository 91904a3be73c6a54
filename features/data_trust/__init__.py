"""Whether what machines and ledgers say can be true together."""
