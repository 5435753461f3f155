"""The way to school: attributes, an iRAP-style derived and unofficial risk score, routes, gate rules, repairs."""
