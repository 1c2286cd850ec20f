"""Whatever is logged is one line of JSON, its values in the message."""

import json
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from propensity.runtime.json_log import PREFECT, JsonFormatter, format_error

START = Path(__file__).parents[3] / "deployments" / "start"


@pytest.fixture
def formatter() -> Iterator[JsonFormatter]:
    yield JsonFormatter("default", None, "%")  # as logging.config makes one
    logging.captureWarnings(capture=False)


def make_record(text: str, *values: object, **facts: object) -> logging.LogRecord:
    record = logging.LogRecord("prefect.task_runs", logging.INFO, "x.py", 1, text, values, None)
    record.__dict__ |= facts
    return record


def test_the_message_holds_its_values_and_its_lines(formatter) -> None:
    line = formatter.format(make_record("%s rows,\n%.1f s", "1,000", 2.04, task_run_name="ingest"))
    assert "\n" not in line
    told = json.loads(line)
    assert told["message"] == "1,000 rows,\n2.0 s"
    assert (told["level"], told["task_run"]) == ("INFO", "ingest")
    assert told["time"].endswith("+00:00")
    assert "flow_run" not in told


def test_an_exception_is_told_with_its_traceback(formatter) -> None:
    try:
        int("no fold")
    except ValueError:
        record = make_record("failed", exc_info=sys.exc_info())
    told = json.loads(formatter.format(record))
    assert "ValueError: invalid literal" in told["exception"]
    assert "test_json_log.py" in told["exception"]


def test_warnings_of_python_are_logged(formatter, caplog, capsys) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("oneDNN is on", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "oneDNN is on" in caplog.text
    assert capsys.readouterr().err == ""


def test_what_a_command_ends_with_is_a_line_too() -> None:
    told = json.loads(format_error("InputError: no file"))
    logging.captureWarnings(capture=False)
    assert (told["level"], told["message"]) == ("ERROR", "InputError: no file")


def test_server_and_worker_are_started_with_the_same_variables() -> None:
    text = START.read_text(encoding="utf-8")
    for name, value in PREFECT.items():
        assert f'"${{{name}:={value}}}"' in text
