"""`python -m benchmarks.models [--rounds N] [--write]`."""

from benchmarks.models.run import main

raise SystemExit(main())
