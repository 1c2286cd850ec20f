"""Write a simulated book as CSV, spelt like the real file, and its true probabilities as Parquet.

Each file is written under a temporary name in the same folder and renamed when complete.
"""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from propensity.simulation import facts
from propensity.storage.atomic_write import write_whole

# Level 4 takes half the time of zlib's default 6 for a file 6 % larger; pyarrow's default is 9.
GZIP_LEVEL: Final = 4
SPELLING: Final = pa.dictionary(pa.int8(), pa.string())
ROW_SCHEMA: Final = pa.schema(
    {
        "id": pa.int64(),
        "Gender": SPELLING,
        "Age": pa.uint8(),  # years
        "Driving_License": pa.uint8(),
        "Region_Code": pa.float64(),  # a category; the real file writes its floats like 28.0
        "Previously_Insured": pa.uint8(),
        "Vehicle_Age": SPELLING,
        "Vehicle_Damage": SPELLING,
        "Annual_Premium": pa.float64(),  # rupees
        "Policy_Sales_Channel": pa.float64(),  # a category
        "Vintage": pa.uint16(),  # days
        "Response": pa.uint8(),
    }
)
TRUTH_SCHEMA: Final = pa.schema({"policyholder_id": pa.int64(), "true_probability": pa.float32()})

Floats = npt.NDArray[np.float64]


@contextmanager
def open_book(path: Path) -> Iterator[Callable[[pa.Table], None]]:
    """Open a CSV file to write a book to.

    Args:
        path: File to write, with gzip if its name ends in .gz; replaced if the block succeeds.

    Yields:
        A function that appends rows of `ROW_SCHEMA`.

    Raises:
        OSError: The file cannot be written; an existing file of that name is unchanged.
    """
    options = pa_csv.WriteOptions(quoting_style="none", quoting_header="none", batch_size=1 << 14)
    schema = _spell_floats(ROW_SCHEMA.empty_table()).schema
    with (
        write_whole(path) as partial,
        _byte_sink(path, partial) as sink,
        pa_csv.CSVWriter(sink, schema, write_options=options) as writer,
    ):
        yield lambda rows: writer.write(_spell_floats(rows))


@contextmanager
def open_truth(path: Path) -> Iterator[Callable[[pa.Table, Floats], None]]:
    """Open a Parquet file to write the true probabilities to.

    Args:
        path: File to write; replaced if the block succeeds.

    Yields:
        A function that appends the ids of rows and their true probabilities.

    Raises:
        OSError: The file cannot be written; an existing file of that name is unchanged.
    """
    with write_whole(path) as partial, pq.ParquetWriter(partial, TRUTH_SCHEMA) as writer:
        yield lambda rows, probability: writer.write_table(_truth(rows, probability))


def _truth(rows: pa.Table, probability: Floats) -> pa.Table:
    return pa.table([rows["id"], pa.array(probability, pa.float32())], schema=TRUTH_SCHEMA)


@contextmanager
def _byte_sink(path: Path, partial: Path) -> Iterator[BinaryIO | gzip.GzipFile]:
    with partial.open("wb") as plain:
        if path.suffix != ".gz":
            yield plain
            return
        # With no file name or time in the header, the same book gives the same bytes.
        with gzip.GzipFile("", "wb", GZIP_LEVEL, plain, mtime=0) as packed:
            yield packed


def _spell_floats(rows: pa.Table) -> pa.Table:
    # Arrow writes the float 28.0 as 28, but the real file has 28.0. All values are whole numbers,
    # so a dictionary of spellings indexed by the number is exact and as fast as an integer.
    for position, field in enumerate(rows.schema):
        if pa.types.is_floating(field.type):
            number = pa.array(rows[field.name].to_numpy().astype(np.int32))
            spelt = pa.DictionaryArray.from_arrays(number, _whole_floats())
            rows = rows.set_column(position, field.name, spelt)
    return rows


@cache
def _whole_floats() -> pa.StringArray:
    return pa.array([f"{number}.0" for number in range(max(facts.DEAR_PREMIUMS) + 1)])
