"""Imputation: missing entries of tables, filled by a layer that has learned the table."""
