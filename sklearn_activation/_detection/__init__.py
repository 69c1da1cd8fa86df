"""Detection: leave-one-out scores of training rows, thresholds, p-values and explanations."""
