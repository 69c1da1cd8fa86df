"""Patches of images, one layer for the patches of all places, and pooled features."""
