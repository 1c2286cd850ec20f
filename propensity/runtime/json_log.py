"""The log as JSON, one object a line, for machines that collect it."""

import datetime as dt
import json
import logging

PREFECT = {
    "PREFECT_LOGGING_FORMATTERS_JSON_CLASS": "propensity.runtime.json_log.JsonFormatter",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": "json",
    "PREFECT_LOGGING_HANDLERS_DEBUG_FORMATTER": "json",
    "PREFECT_LOGGING_COLORS": "false",
}
"""Prefect's variables that make its handlers use the formatter below; its own leaves the values out
of the message."""


class JsonFormatter(logging.Formatter):
    """Formats a record as time (UTC), level, logger, run names where there are any, and message.

    Made where logging is set up, once a process: warnings of Python are part of the log from then
    on, or they would be lines that are no JSON.
    """

    def __init__(self, *_: object) -> None:
        super().__init__()
        logging.captureWarnings(capture=True)

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
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
    """Return the line that a command ends with."""
    facts = {"name": __name__, "levelno": logging.ERROR, "levelname": "ERROR", "msg": message}
    return JsonFormatter().format(logging.makeLogRecord(facts))
