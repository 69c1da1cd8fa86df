"""Rows of a table: columns, gaps, samples, encodings."""
