"""Every real set through `tilth run`, its counts, and pages of random changes for a human look."""
