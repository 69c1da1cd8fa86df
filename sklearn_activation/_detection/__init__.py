"""Detection: scores of rows without themselves, thresholds, explanations."""
