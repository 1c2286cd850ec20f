import csv

import pandas as pd
import pytest

from flows.cli.terminal import write_csv


@pytest.mark.parametrize(
    "formula", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]
)
def test_a_spreadsheet_finds_no_formula(tmp_path, formula):
    write_csv(pd.DataFrame({"model_version": [formula], "n": [-1]}), tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1] == [f"'{formula}", "-1"]


def test_other_text_stays(tmp_path):
    frame = pd.DataFrame({"model_version": ["2026-11-23-ab", None], "as_of": ["a=b", "x"]})
    write_csv(frame, tmp_path / "x.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "x.csv"), frame, check_dtype=False)
