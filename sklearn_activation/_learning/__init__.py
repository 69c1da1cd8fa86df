"""Learning: the closed form, the rule itself, feedback, and for how long."""
