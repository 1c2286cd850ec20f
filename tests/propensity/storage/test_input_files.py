"""Which files make a book."""

import os
import shutil
from pathlib import Path

import pytest

from propensity.errors import InputError
from propensity.storage.hashing import digest_files
from propensity.storage.input_files import find_files


def test_globs_are_sorted_and_order_given_is_kept(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.csv", "a.csv", "c.csv.gz", "note.txt", "d[1].csv"):
        Path(name).touch()
    assert [str(p) for p in find_files(["c.*", "[ab].csv"])] == ["c.csv.gz", "a.csv", "b.csv"]
    assert find_files([str(tmp_path / "*.gz")]) == [tmp_path / "c.csv.gz"]
    assert find_files(["d[1].csv"]) == [Path("d[1].csv")]


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        ([], "No CSV file was given.*PROPENSITY_CSV"),
        (["no-*.csv"], "No file matches 'no-.*Correct the path"),
        (["a.csv", "a.csv"], "a.csv is given twice"),
        (["a.csv", "./*.csv"], "a.csv is given twice"),
        (["a.csv", "link.csv"], "link.csv is given twice"),
        (["folder"], r"folder is not a file.*'folder/\*.csv'"),
        (["f*"], "folder is not a file"),
    ],
)
def test_files_that_cannot_be_a_book_are_refused(tmp_path, monkeypatch, patterns, words) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").touch()
    Path("folder").mkdir()
    if "link.csv" in patterns:
        Path("link.csv").symlink_to("a.csv")
    with pytest.raises(InputError, match=words):
        find_files(patterns)


def test_the_digest_depends_on_contents_and_order_not_on_names(tmp_path) -> None:
    a, b, c = (tmp_path / n for n in ("a.csv", "b.csv", "c.csv"))
    a.write_text("1\n2\n")
    b.write_text("3\n")
    shutil.copy(a, c)
    assert digest_files([a, b]) == digest_files([c, b])
    os.utime(c, (0, 0))
    assert digest_files([a]) == digest_files([c])
    (tmp_path / "whole.csv").write_text("1\n2\n3\n")
    digests = [digest_files(f) for f in ([a, b], [b, a], [a], [a, a], [tmp_path / "whole.csv"])]
    assert len(set(digests)) == 5
    b.write_text("4\n")
    assert digest_files([a, b]) != digests[0]
