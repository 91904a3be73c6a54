"""What it costs to fake the inputs of a model of default, and what it would bring."""
