"""Escape cells that a spreadsheet would run as formulas (OWASP: CSV injection)."""

import re

import pyarrow as pa
import pyarrow.compute as pc

FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001  (full-width signs count too)


def defuse(value: object) -> object:
    """Put an apostrophe before a text that starts like a formula."""
    begins = isinstance(value, str) and value.startswith(tuple(FORMULA_STARTS))
    return f"'{value}" if begins else value


def defuse_column(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Put an apostrophe before each text that starts like a formula, except plain numbers.

    A leading apostrophe is doubled, so that removing one always restores the original text.
    """
    begins = pc.match_substring_regex(texts, f"^[{re.escape(FORMULA_STARTS)}']")
    is_number = pc.match_substring_regex(texts, r"^[-+][0-9]+([.][0-9]+)?$")
    defused = pc.binary_join_element_wise("'", texts, "")
    return pc.if_else(pc.and_not(begins, is_number), defused, texts)
