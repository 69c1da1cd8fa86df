"""Learning: solvers, layers in closed form, learning times, and how certain probabilities are."""
