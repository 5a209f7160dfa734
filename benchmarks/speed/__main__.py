"""`python -m benchmarks.speed [--rows N] [--rounds N] [--write]`."""

from benchmarks.speed.run import main

raise SystemExit(main())
