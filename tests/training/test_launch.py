"""A trainer's process: its log, its exit, and its end when ours ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tilth.store.files import read_json
from tilth.training.launch import last_lines, launch

PARENT = """
import sys
from pathlib import Path
from tilth.training.launch import launch
launch([sys.executable, "-c", sys.argv[1], sys.argv[2]], Path(sys.argv[3]), lambda line: print(line, flush=True))
"""
CHILD = """
import sys, time
with open(sys.argv[1], "w") as pipe:
    print("started", flush=True)
    time.sleep(30)
    pipe.write("still there")
"""


def test_output_and_exit_are_recorded(tmp_path):
    lines: list[str] = []
    code = "import sys; print('第一行'); print('wrong', file=sys.stderr); sys.exit(3)"
    done = launch([sys.executable, "-c", code], tmp_path, lines.append)
    assert sorted(lines) == ["wrong", "第一行"]
    assert done.exit == read_json(tmp_path / "launch.json")["exit"] == 3
    assert done.versions["python"].startswith("3.")
    assert sorted((tmp_path / "train.log").read_text(encoding="utf-8").split()) == ["wrong", "第一行"]


def test_the_log_grows_over_launches(tmp_path):
    for word in "ab":
        launch([sys.executable, "-c", f"print('{word}')"], tmp_path, lambda line: None)
    assert last_lines(tmp_path) == "a\nb"
    assert last_lines(tmp_path, 1) == "b"


def test_it_runs_in_the_folder(tmp_path):
    launch([sys.executable, "-c", "open('here', 'w').close()"], tmp_path, lambda line: None)
    assert (tmp_path / "here").exists()


def test_an_error_of_the_listener_ends_the_trainer(tmp_path):
    def listen(line):
        raise KeyboardInterrupt

    os.mkfifo(tmp_path / "pipe")
    with reader(tmp_path / "pipe") as words:
        with pytest.raises(KeyboardInterrupt):
            launch([sys.executable, "-c", CHILD, str(tmp_path / "pipe")], tmp_path, listen)
        assert words.stdout.read() == ""


def test_the_trainer_dies_with_us(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-c", PARENT, CHILD, str(tmp_path / "pipe"), str(tmp_path)]
    with (
        reader(tmp_path / "pipe") as words,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as us,
    ):
        assert us.stdout.readline() == "started\n"
        os.kill(us.pid, signal.SIGKILL)
        assert words.stdout.read() == ""


def reader(pipe):
    """Reads the pipe to its end, which comes when the process that writes to it is gone."""
    return subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
