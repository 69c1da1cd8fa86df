"""Series: windows of time stamps, scores of time stamps, events and monitors."""
