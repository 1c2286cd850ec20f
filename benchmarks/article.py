"""Write docs/article.md: the article that the project grew from, run again step by step.

    .venv/bin/python benchmarks/article.py ../shared/data/*.csv.gz > docs/article.md

The article's own table is not to be had: its counts come from a label vector of the same shape,
everything else from the files given, or without files from a simulated book. Some minutes.
"""

import io
import os
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before Keras is imported

import keras
import pyarrow as pa
import sklearn
import tensorflow as tf
from article_labels import N_NEGATIVE, N_POSITIVE
from article_leak import CONTRACT, N_TREES, Leak, measure_leak
from article_quality import Arm, compare_arms
from article_traps import LabelFacts, describe_labels
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from matplotlib import rc_context
from matplotlib.figure import Figure

from propensity.ingest.book import read_labelled
from propensity.ingest.curation import ingest_files
from propensity.metrics.class_balance import ClassBalance, measure_balance
from propensity.simulation.book import simulate_book

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
HISTOGRAM = "article-histogram.svg"
N_SIMULATED = 100_000
GREY = "#777777"


@dataclass(frozen=True)
class Article:
    """All that the page says.

    Args:
        versions: Of the libraries, in words.
        is_simulated: No file was given.
        labels: What labels alone show.
        book: Classes of the files.
        leak: Oversampled before the split, and honestly.
        arms: The four ways, rows as they are first.
    """

    versions: str
    is_simulated: bool
    labels: LabelFacts
    book: ClassBalance
    leak: Leak
    arms: tuple[Arm, ...]


def describe_article(files: list[Path], n_simulated: int = N_SIMULATED) -> Article:
    """Run every step.

    Args:
        files: CSV files with labelled policyholders; without any a book is simulated.
        n_simulated: Policyholders of the simulated book.
    """
    labels = describe_labels()
    with tempfile.TemporaryDirectory() as folder:
        rows = read_rows(files, Path(folder), n_simulated)
    responses = rows["response"].to_numpy()
    book = measure_balance(len(rows), int(responses.sum()))
    print("the leak ...", file=sys.stderr, flush=True)
    leak = measure_leak(rows)
    print("the four ways ...", file=sys.stderr, flush=True)
    return Article(name_versions(), not files, labels, book, leak, compare_arms(rows))


def render_article(article: Article) -> str:
    """Write the whole page."""
    return load_template().render(article=article, labels=article.labels, n_trees=N_TREES)


def read_rows(files: list[Path], folder: Path, n_simulated: int) -> pa.Table:
    """Read the labelled policyholders of the files, or of a simulated book."""
    if not files:
        simulated = folder / "simulated.csv"
        files = [simulate_book(simulated, n_rows=n_simulated, seed=1).path]
    return read_labelled(ingest_files(files, CONTRACT, folder / "curated"))


def load_template() -> Template:
    """The words; its block `labels` needs nothing but LabelFacts."""
    loader = FileSystemLoader(HERE)
    environment = Environment(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  (Markdown, of numbers and of errors of known libraries)
    )
    environment.filters["written"] = format  # {{ share | written(".2%") }}
    return environment.get_template("article.md.j2")


def render_labels(labels: LabelFacts) -> str:
    """The part of the page that labels alone decide."""
    template = load_template()
    return "".join(template.blocks["labels"](template.new_context({"labels": labels})))


def name_versions() -> str:
    """The libraries that the article's steps run on."""
    found = {
        "Keras": keras.__version__,
        "TensorFlow": tf.__version__,
        "scikit-learn": sklearn.__version__,
        "imbalanced-learn": version("imbalanced-learn"),
    }
    return ", ".join(f"{name} {number}" for name, number in found.items())


def draw_histogram() -> bytes:
    """The article's histogram with counts for heights, as SVG: the same bytes each time."""
    figure = Figure(figsize=(5, 2.6), layout="constrained")
    axes = figure.subplots()
    names = ["0: not interested", "1: interested"]
    bars = axes.bar(names, [N_NEGATIVE, N_POSITIVE], color=["#8fa3b8", "#d9772b"])
    axes.bar_label(bars, [f"{n:,}" for n in (N_NEGATIVE, N_POSITIVE)], color=GREY)
    axes.set_ylabel("policyholders", color=GREY)
    axes.tick_params(colors=GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[:].set_color(GREY)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.margins(y=0.15)
    picture = io.BytesIO()
    # transparent and grey: readable on light and dark; a salt and no date: the same bytes
    with rc_context({"svg.hashsalt": "article", "svg.fonttype": "none"}):
        figure.savefig(picture, format="svg", transparent=True, metadata={"Date": None})
    return picture.getvalue()


def main(files: list[str]) -> None:
    """Draw the histogram beside the page and print the page."""
    (DOCS / HISTOGRAM).write_bytes(draw_histogram())
    print(render_article(describe_article([Path(f) for f in files])), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
