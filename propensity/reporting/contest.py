"""Candidate, champion and baselines, and every slice of the book, as the rows of tables."""

from propensity.evaluation.records import Contender, Contest
from propensity.evaluation.slices import Slice

Row = dict[str, str | float]


def tabulate_contest(contest: Contest) -> list[Row]:
    """Return one row each for candidate, champion and baselines, plain Python values."""
    rows = [_describe("candidate", contest.candidate)]
    if contest.champion:
        rows.append(_describe("champion", contest.champion))
    return rows + [{"who": b.description, "F1": round(b.f1, 4)} for b in contest.baselines]


def _describe(role: str, contender: Contender) -> Row:
    quality = contender.evaluation
    return {
        "who": f"{role} {contender.version.name}",
        "F1": round(quality.f1, 4),
        "F1 95 %": f"{quality.f1_interval:.4f}",
        "precision": round(quality.precision, 4),
        "recall": round(quality.recall, 4),
        "average precision": round(quality.average_precision, 4),
        "average precision 95 %": f"{quality.average_precision_interval:.4f}",
        "ROC AUC": round(quality.roc_auc, 4),
        "Brier": round(quality.brier, 4),
        "calibration error": round(quality.calibration_error, 4),
        "threshold - F1 / 2": round(quality.threshold_gap, 4),
        "prevalence": round(quality.prevalence, 4),
    }


def tabulate_slices(contest: Contest) -> list[Row]:
    """Return one row a slice, those where the candidate loses most first, plain Python values."""
    return [_describe_slice(s) for s in sort_slices(contest.slices)]


def sort_slices(slices: tuple[Slice, ...]) -> list[Slice]:
    """Put the greatest loss first; without a champion leave them in the contract's order."""
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
