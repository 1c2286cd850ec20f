"""The work of the nightly job, without Prefect: CSV, Keras, SQL and files.

What lives here
    One room per concern, and five ground modules that every room may import:
    `settings.py`, `events.py`, `folds.py`, `progress.py` and `errors.py`. docs/architecture.md
    shows the rooms by floor and follows a CSV row through them.

How to think about it
    A room is a package whose `__init__` docstring is its page: read it before the modules.
    Inputs are arguments; outputs are small frozen records and files. Numbers carry their unit
    in the docstring.

What bites
    This file sets TensorFlow's environment variables. They count only if they are set before the
    first import of TensorFlow, so they belong here and nowhere else.

Where it meets the rest
    tasks/ wraps these functions as Prefect tasks; flows/ decides on their order. Nothing here may
    import Prefect, tasks or flows; import-linter holds that.

When you edit
    Put a module into the room of its concern. A new room needs a floor in pyproject.toml, a page
    like this one, and a row in docs/architecture.md.
"""

import os
from importlib.metadata import version

# Read when TensorFlow is first imported, by whichever module: only errors go to the terminal, and
# no oneDNN, which announces that its rounding varies (training is not slower without).
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

__version__ = version("propensity")
