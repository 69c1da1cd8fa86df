"""Series: windows, scores of time stamps, events."""
