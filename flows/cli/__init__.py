"""Every command of `propensity`, and how its output looks.

What lives here
    `main.py` puts the commands together and is the entry point. The commands are in `run.py`,
    `leads.py`, `nights.py`, `models.py`, `compare.py`, `simulate.py` and `ops.py`; `options.py`
    has what several share. `starting.py` prepares Prefect; `terminal.py` prints.

How to think about it
    A command parses, calls one function and prints the answer. Answers go to standard output,
    the log to standard error, and the exit code tells a scheduler what to do.

What bites
    Prefect and TensorFlow take seconds to import, so they are imported inside the commands that
    need them. Our own errors end a command with one message and their exit code, never with a
    traceback.

Where it meets the rest
    It may import everything. docs/tutorial.md and README.md show real output; tests run the
    commands again and compare.

When you edit
    A new command appears in the help, in docs/ and in a test. CSV for a spreadsheet goes through
    write_csv, which defuses formulas.
"""
