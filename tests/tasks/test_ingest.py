import pyarrow.parquet as pq


def test_curates_all_but_the_broken_row(night, book):
    assert (book.n_rows, book.n_rejected) == (19_999, 1)
    assert sum(pq.read_metadata(p).num_rows for p in book.parts) == 19_999
    assert "book.csv,11,Gender" in book.rejected.read_text().replace('"', "")


def test_writes_into_the_folder_of_the_run(night, book):
    assert {p.parent for p in book.parts} == {night.workspace.curated(night.run.run_name)}
