"""Cover against standing still: a parametric index, its simulation, its price, its basis risk, and staged shutdowns."""
