"""Generators of the reference pages in docs/: settings, exit codes, events and tables.

What lives here
    One module for each generated page: it reads the declarations in the code (settings fields,
    error classes, event records, column comments) and returns Markdown. `__main__.py` writes or
    checks all of them (`make docs`).

How to think about it
    The code is the source and the page is a print of it. Nobody edits a generated page by hand.

What bites
    A test compares the page in docs/ with a fresh print, so a changed description fails the test
    until the page is written again.

Where it meets the rest
    It reads `settings.py`, `errors.py`, `events.py` and warehouse/schema/. Nothing imports it but
    tests. It shares the top floor with reporting/, and neither knows the other.

When you edit
    To change a sentence on a page, change it where the thing is declared. Only the introduction
    and the shape of the page are decided here.
"""
