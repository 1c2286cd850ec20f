"""Columns of the views, and their meanings where the source tables do not define them.

The views themselves are SQL in migrations/; a test compares them with this module.
"""

from propensity.warehouse.schema.tables import metadata

_SCORES = [
    "policyholder_id",
    "probability",
    "percentile",
    "decile",
    "predicted_response",
    "lead_rank",
    "is_control",
    "response_known",
    "response",
    "region_code",
    "sales_channel",
    "model_version",
    "f1_score",
    "decision_threshold",
    "as_of",
    "scored_at",
    "run_id",
]
_LEADS = [
    "policyholder_id",
    "lead_rank",
    "probability",
    "percentile",
    "decile",
    "predicted_response",
    "model_version",
    "f1_score",
    "decision_threshold",
    "as_of",
    "scored_at",
    "region_code",
    "sales_channel",
    "run_id",
]
_GAINS = [
    "percent",
    "n_policyholders",
    "expected_buyers",
    "expected_low",
    "expected_high",
    "lift",
    "reached_share",
    "actual_ratio",
    "relative_error",
    "run_id",
]
_LINEAGE = [
    "run_id",
    "run_name",
    "as_of",
    "input_files",
    "input_digest",
    "config_digest",
    "code_version",
    "flow_run_id",
    "started_at",
    "finished_at",
    "status",
    "n_policyholders",
    "n_rejected",
    "n_labelled",
    "n_control",
    "n_leads",
    "prevalence",
    "f1_score",
    "f1_low",
    "f1_high",
    "precision",
    "recall",
    "average_precision",
    "roc_auc",
    "brier",
    "calibration_error",
    "threshold_low",
    "threshold_high",
    "model_version",
    "artifact_uri",
    "trained_at",
    "model_input_digest",
    "model_config_digest",
    "contract_digest",
    "model_code_version",
    "champion_before",
    "candidate",
    "decision",
    "decision_reason",
    "decided_at",
]

view_columns = {
    "leads": _LEADS,
    "lead_gains": _GAINS,
    "current_scores": _SCORES,
    "previous_scores": _SCORES,
    "lineage": _LINEAGE,
}
view_comments = {
    "leads": "policyholders to call: without control group, known responses and suppressions",
    "lead_gains": "expected result of calling the best 1 to 100 per cent of the leads",
    "current_scores": "all policyholders of the published night",
    "previous_scores": "all policyholders of the night before it, for comparison",
    "lineage": "input, model and decision behind the scores of a run; join to leads on run_id",
}
_own_meanings = {
    "scored_at": "when the night was published",
    "threshold_low": "lowest decision threshold of the folds",
    "threshold_high": "highest decision threshold of the folds",
    "model_input_digest": "SHA-256 of the CSV contents that the model was trained on",
    "model_config_digest": "SHA-256 of the configuration that the model was trained with",
    "model_code_version": "version of propensity that trained the model",
    "champion_before": "champion when the run began, if any",
    "candidate": "model version that the run trained",
    "decision_reason": "why the candidate was promoted or not",
    "decision_threshold": "threshold applied to this policyholder, chosen for F1 on other folds",
}
_sources = {
    "leads": ("policyholder_scores", "scoring_runs"),
    "lead_gains": ("run_gains",),
    "current_scores": ("policyholder_scores", "scoring_runs"),
    "previous_scores": ("policyholder_scores", "scoring_runs"),
    "lineage": ("scoring_runs", "model_versions", "promotions"),
}


def describe_view(view: str) -> dict[str, str]:
    """Return the meaning of each column of a view, in order."""
    return {column: _describe(view, column) for column in view_columns[view]}


def _describe(view: str, column: str) -> str:
    if column in _own_meanings:
        return _own_meanings[column]
    tables = (metadata.tables[name] for name in _sources[view])
    return next(str(t.c[column].comment) for t in tables if column in t.c)
