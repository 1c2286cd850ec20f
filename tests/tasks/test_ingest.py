import pyarrow.parquet as pq
import pytest

from tasks.ingest import ingest


def test_curates_all_but_the_broken_row(night, book):
    assert (book.n_rows, book.n_rejected) == (19_999, 1)
    assert sum(pq.read_metadata(p).num_rows for p in book.parts) == 19_999
    assert "book.csv,11,Gender" in book.rejected.read_text().replace('"', "")


def test_writes_into_the_folder_of_the_run(night, book):
    assert {p.parent for p in book.parts} == {night.workspace.curated(night.run.run_name)}


def test_takes_what_an_earlier_attempt_left_and_says_since_when(night, book, begin_again, caplog):
    again = begin_again("ingest")
    assert ingest(again) == book
    assert not again.workspace.curated(again.run.run_name).exists()
    line = next(m for m in caplog.messages if "policyholders" in m)
    assert line.startswith("reused from 20")
    assert "digests match: 19,999 policyholders in 1 parts, 1 rows rejected, " in line
    assert line.endswith(" s")


@pytest.mark.parametrize("name", ["part-00000.parquet", "rejected.csv"])
def test_reads_anew_where_a_file_was_changed(book, begin_again, damage, caplog, name):
    again = begin_again(name)
    with damage(book.rejected.with_name(name)):
        anew = ingest(again)
    assert f"{name} has changed" in caplog.text
    assert anew.parts[0].parent == again.workspace.curated(again.run.run_name)
    assert anew.parts[0].read_bytes() == book.parts[0].read_bytes()
