"""Peers side by side: see README.md. Never imported by the package."""
