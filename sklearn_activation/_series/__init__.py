"""Series: windows of time steps, scores of time steps, events and monitors."""
