"""Rows of a table: columns as numbers, gaps, samples of rows, and encodings as network input."""
