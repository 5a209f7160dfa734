"""Quality on labelled real data: what each preparing step finds, misses and gets wrong. See docs/benchmarks/quality.md."""
