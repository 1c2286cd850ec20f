"""Write all or the named reference pages to docs/; with --check, fail if one is stale."""

import sys
from pathlib import Path

from propensity.reference.events import describe_events
from propensity.reference.exit_codes import describe_exit_codes
from propensity.reference.settings import describe_settings
from propensity.reference.tables import describe_warehouse

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "settings": describe_settings,
    "exit-codes": describe_exit_codes,
    "events": describe_events,
    "tables": describe_warehouse,
}


def main(words: list[str]) -> None:
    """Write or check the pages that the command line names."""
    names = [word for word in words if word != "--check"] or list(PAGES)
    if unknown := set(names) - set(PAGES):
        sys.exit(f"No page {', '.join(unknown)}. Expected --check, {', '.join(PAGES)}, or nothing.")
    for name in names:
        page, text = DOCS / f"{name}.md", PAGES[name]()
        if "--check" not in words:
            page.write_text(text, encoding="utf-8")
        elif not page.exists() or page.read_text(encoding="utf-8") != text:
            sys.exit(f"{page} differs from the code. Run `make docs`.")


if __name__ == "__main__":
    main(sys.argv[1:])
