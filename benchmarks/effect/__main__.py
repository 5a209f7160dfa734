"""`python -m benchmarks.effect [example|real …] [--write]`."""

from benchmarks.effect.run import main

raise SystemExit(main())
