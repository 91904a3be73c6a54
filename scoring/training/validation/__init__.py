"""What a validator asks of a model of default: figures on rows that its trees were not grown on."""
