"""Training on an insurer's own table: GLM, trees grown from it, severity with a large-loss split."""
