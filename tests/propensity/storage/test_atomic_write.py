"""What is half written never has the name of what is whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from propensity.storage.atomic_write import write_whole


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    with write_whole(path) as unfinished:
        unfinished.write_text("half", encoding="utf-8")
        assert not path.exists()
        unfinished.write_text("whole", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_the_file_of_before_is_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("before", encoding="utf-8")

    def fail_half_way() -> None:
        with write_whole(path) as unfinished:
            unfinished.write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()
    assert path.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, pathlib, signal, sys
from propensity.storage.atomic_write import write_whole
with write_whole(pathlib.Path(sys.argv[1])) as unfinished:
    unfinished.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_kill_9_leaves_the_file_of_before_and_the_next_one_replaces_both(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("before", encoding="utf-8")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text(encoding="utf-8") == "before"
    assert path.with_name("page.html.unfinished").exists()
    with write_whole(path) as unfinished:
        unfinished.write_text("whole", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    link, target = tmp_path / "leads.csv", tmp_path / "share" / "leads.csv"
    target.touch()
    link.symlink_to(target)
    with write_whole(link) as unfinished:
        unfinished.write_text("id", encoding="utf-8")
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "id"


def test_a_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE)
    with write_whole(tmp_path / "pipe") as unfinished:
        unfinished.write_text("id", encoding="utf-8")
    assert reader.communicate(timeout=600)[0] == b"id"


def test_no_folder_is_made_by_a_typing_error(tmp_path: Path) -> None:
    path = tmp_path / "no" / "folder.csv"
    with pytest.raises(FileNotFoundError), write_whole(path) as unfinished:
        unfinished.write_text("id", encoding="utf-8")
    assert not path.parent.exists()
