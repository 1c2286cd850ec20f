"""Score policyholders with the member of their fold, which never saw their response."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit

from propensity.errors import ModelError
from propensity.folds import N_FOLDS
from propensity.ingest.book import CuratedBook, follow_rule, read_labelled
from propensity.ingest.contract import Contract
from propensity.model.encoder import Encoder
from propensity.model.families import import_family
from propensity.model.prior_correction import correct_prior, smooth_probabilities, undo_focal_loss
from propensity.model.records import Predictor
from propensity.model.store import (
    Member,
    ModelVersion,
    check_files,
    damages,
    describe_damage,
)


class Scorer:
    """A loaded model version, which scores each row with the member of its fold.

    Raises:
        ChangedModelError: A file differs from the saved one; no file was loaded.
        ModelError: The version was trained under another contract, lacks a member, or its files
            are missing or damaged.
    """

    def __init__(self, version: ModelVersion, contract: Contract) -> None:
        folds = [m.fold for m in version.members]
        if folds != list(range(N_FOLDS)):
            found = f"Version {version.name} has members for the folds {folds}"
            raise ModelError(found, expected=f"one member for each fold, 0 to {N_FOLDS - 1}")
        if version.files_digest:
            check_files(version.folder, version.files_digest)
        self._loaded = [(m, *_load_member(version, m, contract)) for m in version.members]

    def score(self, rows: pa.Table) -> NDArray[np.float32]:
        """Return calibrated probabilities, shape (n,)."""
        return self._score(rows, correct)

    def score_raw(self, rows: pa.Table) -> NDArray[np.float32]:
        """Return the uncorrected probabilities of the models, shape (n,)."""
        return self._score(rows, lambda logits, _: expit(logits))

    def _score(
        self, rows: pa.Table, find: Callable[[NDArray[np.float32], Member], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        folds = rows["fold"].to_numpy()
        probabilities = np.full(rows.num_rows, np.nan, dtype=np.float32)
        for member, encoder, predictor in self._loaded:
            mine = folds == member.fold
            logits = predictor.predict_logits(*encoder.encode(rows.filter(pa.array(mine))))
            probabilities[mine] = find(logits, member)
        return probabilities


def correct(logits: NDArray[np.float32], member: Member) -> NDArray[np.float32]:
    """Undo the effects of loss and imbalance strategy, and smooth; return shape (n,)."""
    proper = undo_focal_loss(logits) if member.loss == "focal" else logits
    corrected = correct_prior(proper, member.weight_of_zero, member.weight_of_one)
    if not member.is_smoothed:
        return corrected
    return smooth_probabilities(corrected, member.n_source_rows, member.n_source_ones)


def _load_member(
    version: ModelVersion, member: Member, contract: Contract
) -> tuple[Encoder, Predictor]:
    path, model_path = member.list_files(version.folder)
    try:
        encoder = Encoder.load(path, contract)
        path = model_path
        return encoder, import_family(member.family).load(path)
    except damages as error:
        raise describe_damage(path, error) from error


def score_labelled(book: CuratedBook, version: ModelVersion, contract: Contract) -> pd.DataFrame:
    """Score the policyholders whose response is known, each with a model that never saw it.

    Returns:
        A frame with columns policyholder_id, fold, response, probability, follows_rule.
    """
    rows = read_labelled(book)
    frame: pd.DataFrame = rows.select(["policyholder_id", "fold", "response"]).to_pandas()
    probability, rule = Scorer(version, contract).score(rows), follow_rule(rows, contract)
    return frame.assign(probability=probability, follows_rule=rule)
