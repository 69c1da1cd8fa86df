"""Inference: entries of rows that maximise the activation, and random draws of entries."""
