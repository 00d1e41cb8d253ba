"""The dashboards, as Python. `generate.py` makes the committed JSON of them."""
