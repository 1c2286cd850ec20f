"""CSV files that a spreadsheet cannot mistake for formulas (OWASP: CSV injection)."""

import re

import pyarrow as pa
import pyarrow.compute as pc

FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001  (full-width signs count too)


def defuse(value: object) -> object:
    """Put an apostrophe before a text that begins like a formula."""
    begins = isinstance(value, str) and value.startswith(tuple(FORMULA_STARTS))
    return f"'{value}" if begins else value


def defuse_column(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Do so with each text of a column; a plain number stays.

    What begins with an apostrophe gets one more, so that taking one off gives back what was read.
    """
    begins = pc.match_substring_regex(texts, f"^[{re.escape(FORMULA_STARTS)}']")
    is_number = pc.match_substring_regex(texts, r"^[-+][0-9]+([.][0-9]+)?$")
    defused = pc.binary_join_element_wise("'", texts, "")
    return pc.if_else(pc.and_not(begins, is_number), defused, texts)
