"""Inference: entries of rows that activate most."""
