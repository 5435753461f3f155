"""Readers, one per layer: files in, checked frames in EPSG:4326 out. Every doubt goes to the quality collector."""
