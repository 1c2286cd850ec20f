"""Candidate, champion and baselines as the rows of a table."""

from propensity.gate import Contender, Contest

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
        "prevalence": round(quality.prevalence, 4),
    }
