"""Imputation: gaps of tables filled by what a layer has learned of them."""
