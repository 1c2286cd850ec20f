"""The log as JSON, one object per line, for log collectors."""

import datetime as dt
import json
import logging

PREFECT = {
    "PREFECT_LOGGING_FORMATTERS_JSON_CLASS": "propensity.runtime.json_log.JsonFormatter",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": "json",
    "PREFECT_LOGGING_HANDLERS_DEBUG_FORMATTER": "json",
    "PREFECT_LOGGING_COLORS": "false",
}
"""Prefect variables that select the formatter below; Prefect's own JSON formatter does not
interpolate the values into the message."""


class JsonFormatter(logging.Formatter):
    """Formats a record as time (UTC), level, logger, run names if there are any, and message.

    It is created once per process, when logging is set up, and then also captures Python's
    warnings, which would otherwise be lines that are not JSON.
    """

    def __init__(self, *_: object) -> None:
        super().__init__()
        logging.captureWarnings(capture=True)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        facts = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "flow_run": getattr(record, "flow_run_name", None),
            "task_run": getattr(record, "task_run_name", None),
            "message": record.getMessage(),
            "exception": self.formatException(record.exc_info) if record.exc_info else None,
        }
        return json.dumps({name: fact for name, fact in facts.items() if fact is not None})


def format_error(message: str) -> str:
    """Return the JSON line for the error with which a command exits."""
    facts = {"name": __name__, "levelno": logging.ERROR, "levelname": "ERROR", "msg": message}
    return JsonFormatter().format(logging.makeLogRecord(facts))
