"""Text: from HTML and wire markup to clean text, and its language."""
