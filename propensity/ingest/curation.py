"""Convert CSV files to Parquet parts in a stream: memory is bounded by the block, not the book.

A book is one or more CSV files. Rows that satisfy the contract go to part-*.parquet with their
stable fold; the others go to rejected.csv with file, line, column and reason.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray
from pyroaring import BitMap64

from propensity.errors import InputError
from propensity.folds import assign_folds
from propensity.ingest.book import CuratedBook
from propensity.ingest.cell_checks import (
    REJECTED_SCHEMA,
    check_rows,
    reject,
    reject_torn,
)
from propensity.ingest.contract import Contract
from propensity.ingest.csv_lines import Block, read_blocks
from propensity.ingest.duplicates import refuse_copies
from propensity.progress import OnProgress, ignore_progress
from propensity.storage.atomic_write import write_whole
from propensity.storage.csv_injection import defuse_column
from propensity.storage.hashing import digest_file
from propensity.storage.parquet_parts import PartWriter


def ingest_files(
    files: list[Path],
    contract: Contract,
    folder: Path,
    *,
    tolerated_rejected_share: float = 0.01,
    on_progress: OnProgress = ignore_progress,
) -> CuratedBook:
    """Check every row and write the good ones as Parquet (zstd).

    Args:
        files: CSV or CSV.gz files; ids must be unique across all of them.
        contract: Declares the columns.
        folder: Folder for the parts and rejected.csv.
        tolerated_rejected_share: Largest share of rejected rows with which the night continues.
        on_progress: Called with the share of bytes read.

    Raises:
        InputError: A file is unreadable or lacks a column, no row is good, too many rows are bad,
            or the book was oversampled.
    """
    rejected = folder / "rejected.csv"
    counts, seen = np.zeros(3, dtype=np.int64), BitMap64()  # rejected, labelled, positive
    n_bytes, n_bytes_before = sum(f.stat().st_size for f in files), 0
    with (
        PartWriter(folder, contract.schema) as parts,
        write_whole(rejected) as unfinished,
        pacsv.CSVWriter(unfinished, REJECTED_SCHEMA) as bad_cells,
    ):
        for path in files:
            for block in read_blocks(path, contract):
                good, bad = _curate(block, contract, str(path), seen)
                parts.write(good)
                bad_cells.write_table(bad)
                n_read = block.cells.num_rows + len(block.torn)
                counts += n_read - good.num_rows, *_count_responses(good["response"])
                on_progress((n_bytes_before + block.n_bytes_read) / n_bytes)
            n_bytes_before += path.stat().st_size
            on_progress(n_bytes_before / n_bytes)
    digests = tuple(digest_file(part) for part in parts.paths)
    n_rejected, n_labelled, n_positive = counts.tolist()
    book = CuratedBook(
        parts.paths, rejected, parts.n_rows, n_rejected, n_labelled, n_positive, digests
    )
    _check_share(book, tolerated_rejected_share)
    refuse_copies(book.parts, book.n_labelled, contract)
    return book


def _count_responses(response: pa.ChunkedArray) -> tuple[int, int]:
    known = response.drop_null().to_numpy()
    return len(known), int(known.sum())


def _check_share(book: CuratedBook, tolerated: float) -> None:
    n_read = book.n_rows + book.n_rejected
    if book.n_rows and book.n_rejected / n_read <= tolerated:
        return
    if not n_read:
        todo = "Export the files again"
        raise InputError("The files have a header but no rows", expected="policyholders", todo=todo)
    raise InputError(
        f"{book.n_rejected:,} of {n_read:,} rows were rejected; {_show_first(book.rejected)}",
        expected=f"at least one good row, and at most {tolerated:.2%} rejected",
        todo=f"See {book.rejected}, correct the files and run again",
    )


def _show_first(rejected: Path) -> str:
    # Read one block, because a file of bad rows exceeds the book. Without types, '7' would be 7.
    types = pacsv.ConvertOptions(column_types=REJECTED_SCHEMA)
    with pacsv.open_csv(rejected, convert_options=types) as rows:
        first = rows.read_next_batch().slice(0, 1).to_pylist()[0]
    column = f", column {first['column']}" if first["column"] else ""
    where = f"{first['file']}, line {first['line']}{column}"
    return f"the first: {where}: {first['found']!r}, expected {first['expected']}"


def _curate(
    block: Block, contract: Contract, file: str, seen: BitMap64
) -> tuple[pa.Table, pa.Table]:
    """Split a block into good rows, with their fold, and bad cells."""
    typed, bad, bad_cells = check_rows(block.cells, contract, file, block.lines)
    # Filled, because NumPy would convert nulls, and with them all ids, to floats.
    ids = typed["policyholder_id"].fill_null(0).to_numpy()
    twice = _mark_repeated(ids, bad, seen)
    all_bad = [bad_cells, reject_torn(file, block.torn)]
    if twice.any():
        name, expected = contract.policyholder_id.name, "an id that no earlier row of the book has"
        all_bad.append(reject(block.cells, twice, file, block.lines, name, expected))
    good = typed.filter(pa.array(~(bad | twice)))
    folds = pa.array(assign_folds(good["policyholder_id"].to_numpy()))
    rejected = pa.concat_tables(all_bad).sort_by("line")
    for name in ("found", "row"):  # operators open the file in a spreadsheet
        where = rejected.schema.get_field_index(name)
        rejected = rejected.set_column(where, name, defuse_column(rejected[name]))
    return good.append_column("fold", folds).cast(contract.schema), rejected


def _mark_repeated(
    ids: NDArray[np.int64], bad: NDArray[np.bool_], seen: BitMap64
) -> NDArray[np.bool_]:
    """Mark good rows whose id occurred before; remember the ids (at most 2 bytes each)."""
    rows = np.flatnonzero(~bad)
    good_ids = ids[rows].astype(np.uint64)
    distinct, first = np.unique(good_ids, return_index=True)
    block = BitMap64(distinct)
    repeated = np.isin(good_ids, np.array(list(seen & block), dtype=np.uint64))
    within = np.ones(len(rows), dtype=np.bool_)
    within[first] = False
    seen |= block
    marks = np.zeros(len(ids), dtype=np.bool_)
    marks[rows] = repeated | within
    return marks
