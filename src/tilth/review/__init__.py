"""What people decided: who stands where on which sample, how far the work is, and how well they agree."""
