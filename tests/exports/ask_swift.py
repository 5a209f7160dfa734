"""Runs in ms-swift's environment: the messages its own reader finds in plain files."""

import json
import sys
from pathlib import Path

from swift.dataset import load_dataset

given, answer = map(Path, sys.argv[1:])
rows, _ = load_dataset([json.loads(given.read_text())["data"]], num_proc=1, shuffle=False)
answer.write_text(json.dumps([row["messages"] for row in rows]))
