"""Personal data: none passes, and nothing else is taken for it."""
