"""From CSV files to checked, typed Parquet parts: the curated book.

What lives here
    `curation.py` is the way through: `csv_header.py` and `csv_lines.py` cut text into rows,
    `cell_checks.py` checks and types them, `duplicates.py` refuses an oversampled book.
    `contract.py` and `contract_column.py` read the declaration in contracts/; `book.py` is the
    result; `rejections.py` sums up rejected rows.

How to think about it
    A streaming sieve. Each block of text leaves as good rows, with their stable fold, and as
    rejected cells with file, line, column, what was found and what was expected. Every row that
    was read is counted on one side or the other.

What bites
    Memory is bounded by the block, not by the book: never read a whole file. One physical line is
    one row, or an unclosed quote swallows the rest of the block. Ids must be unique across all
    files of a book. Nulls turn NumPy integers into floats: fill them first.

Where it meets the rest
    Everything above reads `book.py` (CuratedBook, read_labelled) and `contract.py`. Parts are
    written through `storage/parquet_parts.py`.

When you edit
    A column is declared in contracts/insurance.toml and nowhere else. A new check states what was
    expected in words, because operators read it in rejected.csv.
"""
