"""Parts roll over, keep every row in order, and look whole only when they are."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from propensity.storage import parquet_parts
from propensity.storage.parquet_parts import PartWriter, read_batches

SCHEMA = pa.schema({"n": pa.int64()})


def rows(first: int, n_rows: int) -> pa.Table:
    return pa.table({"n": range(first, first + n_rows)}, schema=SCHEMA)


def write(folder: Path, sizes: list[int], part_rows: int) -> PartWriter:
    with PartWriter(folder, SCHEMA, part_rows) as writer:
        for k, size in enumerate(sizes):
            writer.write(rows(sum(sizes[:k]), size))
    return writer


@pytest.mark.parametrize(
    ("sizes", "part_sizes"),
    [
        ([], []),
        ([0, 0], []),
        ([3], [3]),
        ([10], [10]),
        ([4, 4, 4, 4], [12, 4]),  # closed once it has its rows, never split
        ([10, 10, 0], [10, 10]),
        ([25, 1], [25, 1]),
    ],
)
def test_rolls_over_and_loses_nothing(tmp_path, sizes: list[int], part_sizes: list[int]) -> None:
    writer = write(tmp_path / "new" / "folder", sizes, part_rows=10)
    assert [pq.read_metadata(p).num_rows for p in writer.paths] == part_sizes
    assert [p.name for p in writer.paths] == [
        f"part-{k:05d}.parquet" for k in range(len(part_sizes))
    ]
    assert sorted((tmp_path / "new" / "folder").iterdir()) == sorted(writer.paths)
    read = [n for p in writer.paths for batch in read_batches(p) for n in batch["n"].to_pylist()]
    assert read == list(range(writer.n_rows)) == list(range(sum(sizes)))


def test_parts_are_zstd(tmp_path: Path) -> None:
    (path,) = write(tmp_path, [5], part_rows=10).paths
    assert pq.read_metadata(path).row_group(0).column(0).compression == "ZSTD"


def test_removes_leftovers_of_a_longer_run_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, [10] * 4, part_rows=10)
    (tmp_path / "part-00004.parquet.unfinished").touch()
    (tmp_path / "rejected.csv").touch()
    write(tmp_path, [7], part_rows=10)
    assert {p.name for p in tmp_path.iterdir()} == {"part-00000.parquet", "rejected.csv"}
    assert pq.read_metadata(tmp_path / "part-00000.parquet").num_rows == 7


def test_an_error_leaves_no_part_that_looks_whole(tmp_path: Path) -> None:
    def fail_half_way() -> None:
        with PartWriter(tmp_path, SCHEMA, 10) as writer:
            writer.write(rows(0, 12))
            writer.write(rows(12, 3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"part-00000.parquet", "part-00001.parquet.unfinished"}


def test_rows_of_another_schema_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="schema"), PartWriter(tmp_path, SCHEMA) as writer:
        writer.write(pa.table({"n": ["1"]}))
    assert not list(tmp_path.glob("*.parquet"))


def test_reads_a_batch_at_a_time_and_the_columns_asked_for(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(parquet_parts, "BATCH_ROWS", 4)
    with PartWriter(tmp_path, pa.schema({"n": pa.int64(), "m": pa.int64()})) as writer:
        writer.write(rows(0, 10).append_column("m", rows(10, 10)["n"]))
    batches = list(read_batches(writer.paths[0], columns=["m"]))
    assert [b.num_rows for b in batches] == [4, 4, 2]
    assert pa.concat_tables(batches).to_pydict() == {"m": list(range(10, 20))}
