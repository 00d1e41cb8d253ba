"""Incidents: which event an article reports. The ledger alone decides, in one fixed order."""
