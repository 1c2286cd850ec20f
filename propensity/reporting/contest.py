"""Table rows for candidate, champion and baselines, and for every slice of the book."""

from propensity.evaluation.records import Contender, Contest
from propensity.evaluation.slices import Slice
from propensity.metrics.catalog import F1, METRICS

Row = dict[str, str | float]


def tabulate_contest(contest: Contest) -> list[Row]:
    """Return one row per candidate, champion and baseline, with plain Python values."""
    rows = [_describe("candidate", contest.candidate)]
    if contest.champion:
        rows.append(_describe("champion", contest.champion))
    return rows + [{"who": b.description, F1.label: round(b.f1, 4)} for b in contest.baselines]


def _describe(role: str, contender: Contender) -> Row:
    quality = contender.evaluation
    metrics: Row = {}
    for metric in METRICS:
        metrics[metric.label] = float(metric.write(quality[metric]))
        if metric.name in quality.intervals:
            metrics[f"{metric.label} 95 %"] = metric.write(quality.intervals[metric.name])
    return {
        "who": f"{role} {contender.version.name}",
        **metrics,
        "threshold - F1 / 2": round(quality.threshold_gap, 4),
        "prevalence": round(quality.prevalence, 4),
    }


def tabulate_slices(contest: Contest) -> list[Row]:
    """Return one row per slice, largest loss of the candidate first, with plain Python values."""
    return [_describe_slice(s) for s in sort_slices(contest.slices)]


def sort_slices(slices: tuple[Slice, ...]) -> list[Slice]:
    """Sort by loss, largest first; without a champion keep the order of the contract."""
    return sorted(slices, key=lambda s: s.gain or 0.0)


def _describe_slice(found: Slice) -> Row:
    row: Row = {
        "slice": found.name,
        "policyholders": found.n_rows,
        "prevalence": round(found.prevalence, 4),
        "expected buyers": round(found.expected_buyers, 1),
        "buyers": found.n_positive,
        "F1": round(found.f1, 4),
        "F1 95 %": f"{found.f1_interval:.4f}",
    }
    if found.champion_f1 is None or found.gain is None:
        return row
    return row | {
        "champion's F1": round(found.champion_f1, 4),
        "net benefit gained": round(found.gain, 4),
        "net benefit, widened": f"{found.gain_interval:+.4f}",
    }
