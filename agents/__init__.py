"""The Faust apps: one stage each, wiring topics to calls of the `pipeline` library."""
