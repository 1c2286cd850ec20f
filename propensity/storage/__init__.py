"""Files: whole or not there, hashed, found, and each at one known path.

What lives here
    `workspace.py` knows every path that the job writes; `atomic_write.py` writes a file under a
    temporary name and renames it; `parquet_parts.py` reads and writes books in parts;
    `tallies.py` sums them up in one pass; `hashing.py` makes every SHA-256; `input_files.py`
    expands globs; `csv_injection.py` defuses cells that a spreadsheet would take for formulas.

How to think about it
    A reader sees either the whole file or no file. A name that ends in `.unfinished` belongs to
    a process that is writing or was killed.

What bites
    Renaming is atomic within one folder only, so the temporary file stands beside its target.
    Digests decide whether a night is a repeat: changing what is hashed makes every night new.

Where it meets the rest
    Every room above may use it; metrics/, on the same floor, does not. It knows no SQL.

When you edit
    Add a path to Workspace, not to the caller. Write through write_whole, or a crash leaves
    half a file that the next run believes.
"""
