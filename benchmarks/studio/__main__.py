"""`python -m benchmarks.studio [--rows N] [--requests N] [--write]`."""

from benchmarks.studio.run import main

raise SystemExit(main())
