"""Classification: choices by held-out rows, trials of feedback, and rows without labels."""
