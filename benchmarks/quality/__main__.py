"""`python -m benchmarks.quality [NAME …] [--write]`."""

from benchmarks.quality.run import main

raise SystemExit(main())
