"""Classification: what is chosen on held-out rows, feedback on trial, rows without labels."""
