"""What training costs beside a bare trl script: per step on a CPU, and tokens, MFU and memory on a GPU."""
