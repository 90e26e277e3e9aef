"""What the project is held to in speed and size. `python3 -m bench --help`; docs/benchmarks.md."""
