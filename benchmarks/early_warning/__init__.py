"""Early warnings against what came: how many defaults are warned of, and how early, beside an oracle."""
