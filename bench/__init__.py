"""Side-by-side benchmarks: each figure is a ratio to something known, taken in the same run."""
