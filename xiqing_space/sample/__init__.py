"""The embedded default: a synthetic town, written as real files and read by the same readers as anything else."""
