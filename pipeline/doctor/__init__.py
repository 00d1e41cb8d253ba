"""`wirefuse doctor`: looks at everything that a chain needs, changes nothing, and says what to do."""
