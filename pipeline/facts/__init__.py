"""Facts: times, ages, tolls, addresses and places in a text."""
