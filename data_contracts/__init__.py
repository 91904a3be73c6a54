"""What may enter: contracts, adapters, admission, quarantine, the observation store and its evidence."""
