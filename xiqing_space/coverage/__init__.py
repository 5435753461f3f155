"""Who is reached: pure analysis, frames in and frames out; no files, no globals."""
