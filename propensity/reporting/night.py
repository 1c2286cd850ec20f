"""A night in pictures, as one page and one Markdown artifact."""

from matplotlib.figure import Figure

from propensity.reporting import book_charts, quality_charts
from propensity.reporting.pictures import to_image, to_svg
from propensity.reporting.rendering import templates
from propensity.runtime.night_facts import NightFacts

Pictures = dict[str, Figure]


def draw_night(report: NightFacts) -> Pictures:
    """Draw every picture that the facts suffice for; return them by name."""
    balance, quality = report.book.balance, report.serving.evaluation
    pictures = {
        "contest": quality_charts.draw_contest(report.contest),
        "curve": quality_charts.draw_precision_recall(
            report.curve, report.called, balance.prevalence, quality.f1
        ),
        "reliability": quality_charts.draw_reliability(report.reliability),
        "scores": book_charts.draw_scores(report.score_shares, report.last_score_shares),
        "balance": book_charts.draw_balance(balance, report.book.contract.response.name),
    }
    if report.gains:
        pictures["gains"] = quality_charts.draw_gains(report.gains)
    if report.since_last_night or report.not_answered:
        pictures["drift"] = book_charts.draw_drift(report.since_last_night, report.not_answered)
    if report.comparison:
        pictures["comparison"] = quality_charts.draw_comparison(report.comparison)
    return pictures | _draw_segments(report)


def _draw_segments(report: NightFacts) -> Pictures:
    prevalence = report.book.balance.prevalence
    shares = [s.prevalence or 0.0 for f in report.segments for s in f.segments]
    highest = min(1.0, 1.2 * max(shares))
    return {
        f"segments-{found.feature.name}": book_charts.draw_segments(found, prevalence, highest)
        for found in report.segments
    }


def render_page(report: NightFacts, pictures: Pictures) -> str:
    """Render a self-contained HTML page."""
    drawn = {name: to_svg(figure, name) for name, figure in pictures.items()}
    return templates.get_template("night.html.j2").render(r=report, pictures=drawn)


def render_markdown(report: NightFacts, pictures: Pictures) -> str:
    """Render Markdown with the same pictures inline, under 200 kB."""
    drawn = {name: to_image(figure) for name, figure in pictures.items()}
    return templates.get_template("night.md.j2").render(r=report, pictures=drawn)
