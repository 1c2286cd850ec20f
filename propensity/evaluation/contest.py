"""Evaluate candidate, champion and baselines on the same rows: tonight's labelled policyholders."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from propensity.errors import ChangedModelError, ModelError
from propensity.evaluation.deciles import compare_buyers
from propensity.evaluation.recalibration import recalibrate_if_better
from propensity.evaluation.records import Contender, Contest
from propensity.evaluation.slices import Slice, measure_slices
from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import Contract
from propensity.metrics.classification import compare_f1
from propensity.metrics.evaluation import evaluate_baselines, evaluate_scores
from propensity.metrics.threshold import predict_responses
from propensity.model.prediction import score_labelled
from propensity.model.store import ModelVersion, load_version
from propensity.settings import NightlyConfig
from propensity.storage.workspace import Workspace


def judge(
    book: CuratedBook,
    contract: Contract,
    config: NightlyConfig,
    candidate: ModelVersion,
    champion: str | None,
    workspace: Workspace,
    champion_digest: str | None,
) -> Contest:
    """Score the labelled rows with candidate and champion and compare them.

    The comparison is fair to both: folds are stable, so the champion's members never saw their fold
    on any night. A champion that cannot be used (another contract, lost folder) is left out and the
    reason recorded. One whose files were changed stops the night, so that it is not replaced
    unnoticed.

    Args:
        book: Tonight's rows.
        contract: Contract that declares the features and the baseline rule.
        config: Seed and resamples of the bootstrap.
        candidate: Tonight's version.
        champion: Name of the version promoted last, if any.
        workspace: Workspace that contains the versions.
        champion_digest: Registered SHA-256 of its manifest; None: its files are not checked.

    Raises:
        ChangedModelError: A file of the champion or candidate differs from the saved one.
    """
    scored, contender = _evaluate(book, contract, config, candidate)
    predicted = _predict(scored, contender)

    def measure(champion_predicted: NDArray[np.int8] | None) -> tuple[Slice, ...]:
        return measure_slices(
            book, contract, scored, predicted, champion_predicted, seed=config.seed
        )

    baselines = evaluate_baselines(scored, contract.rule.description)
    if champion is None:
        return Contest(contender, baselines, slices=measure(None))
    try:
        version = load_version(workspace.model(champion), champion_digest)
        champion_scored, champion_contender = _evaluate(book, contract, config, version)
    except ChangedModelError:
        raise
    except ModelError as error:
        return Contest(
            contender,
            baselines,
            no_champion_reason=f"champion {champion} cannot be evaluated ({error.found})",
            champion_name=champion,
            slices=measure(None),
        )
    response = scored["response"].to_numpy()
    champion_predicted = _predict(champion_scored, champion_contender)
    return Contest(
        contender,
        baselines,
        champion_contender,
        difference=compare_f1(response, predicted, champion_predicted, seed=config.seed),
        champion_name=champion,
        slices=measure(champion_predicted),
    )


def _evaluate(
    book: CuratedBook, contract: Contract, config: NightlyConfig, version: ModelVersion
) -> tuple[pd.DataFrame, Contender]:
    scored = score_labelled(book, version, contract)
    recalibration = recalibrate_if_better(scored)
    better = recalibration.apply(scored["probability"].to_numpy(), scored["fold"].to_numpy())
    scored = scored.assign(probability=better)
    evaluation = evaluate_scores(scored, seed=config.seed, n_bootstrap=config.n_bootstrap)
    deciles = compare_buyers(scored["response"].to_numpy(), scored["probability"].to_numpy())
    return scored, Contender(version, evaluation, recalibration, deciles)


def _predict(scored: pd.DataFrame, contender: Contender) -> NDArray[np.int8]:
    thresholds = contender.evaluation.thresholds
    probability, fold = scored["probability"].to_numpy(), scored["fold"].to_numpy()
    return predict_responses(probability, fold, thresholds)
