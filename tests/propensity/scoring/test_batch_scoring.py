"""Scoring a book: everybody, by the right member, with the very scores that were evaluated.

The members are not trained: what is tested here holds for any weights.
"""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import f1_score

from propensity.errors import ChangedModelError, ModelError
from propensity.evaluation.recalibration import Recalibration
from propensity.evaluation.records import Contender
from propensity.folds import CONTROL_SALT, select_share
from propensity.ingest.book import CuratedBook, read_labelled
from propensity.ingest.contract import load_contract
from propensity.ingest.curation import ingest_files
from propensity.metrics.evaluation import evaluate_scores
from propensity.model.encoder import Encoder, fit_encoder
from propensity.model.imbalance import LossName
from propensity.model.network import architecture
from propensity.model.network.architecture import (
    Predictor,
    add_statistics,
    build_network,
    load_network,
    seed_everything,
)
from propensity.model.prediction import Scorer, correct, score_labelled
from propensity.model.prior_correction import correct_prior, smooth_probabilities
from propensity.model.store import (
    Member,
    ModelVersion,
    encoder_path,
    load_version,
    model_path,
    save_version,
)
from propensity.model.target_encoding import pair_features
from propensity.scoring import external_sort
from propensity.scoring.batch_scoring import score_book
from propensity.scoring.records import SCORES_SCHEMA
from propensity.settings import LeadRules
from propensity.simulation.book import simulate_book
from propensity.storage import parquet_parts

N_ROWS = 4000
RULES = LeadRules(control_share=0.1)
BENT = Recalibration(tuple(((-4.0, 0.0), (-4.5, k / 10)) for k in range(5)))
CONTRACT = load_contract()


@pytest.fixture(scope="module", autouse=True)
def small_forward_passes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(architecture, "PREDICT_ROWS", 256)
        yield


def make_member(fold: int, loss: LossName = "cross_entropy") -> Member:
    weights = 0.5 + fold / 20, 4.0 + fold / 5
    counts = {"n_source_rows": 1000, "n_source_ones": 100 + fold}
    return Member(fold, *weights, 1000, 1, 0.3, loss, **counts)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> CuratedBook:
    folder = tmp_path_factory.mktemp("book")
    simulate_book(folder / "book.csv", n_rows=N_ROWS, seed=1, unlabelled_share=0.3)
    return ingest_files([folder / "book.csv"], CONTRACT, folder / "curated")


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory, book: CuratedBook) -> ModelVersion:
    folder, rows = tmp_path_factory.mktemp("version"), read_labelled(book)
    for fold in range(5):
        encoder = fit_encoder(rows.filter(pa.array(rows["fold"].to_numpy() != fold)), CONTRACT)
        encoder.save(encoder_path(folder, fold))
        seed_everything(fold)
        pairs = pair_features(encoder)
        table = np.zeros(pairs.starts[-1], dtype=np.float32)
        whole = add_statistics(build_network(encoder, pairs, fold), encoder, pairs, table)
        whole.save(model_path(folder, fold))
    members = tuple(make_member(k) for k in range(5))
    return save_version(ModelVersion("v", folder, CONTRACT.digest, members))


@pytest.fixture(scope="module")
def scorer(version: ModelVersion) -> Scorer:
    return Scorer(version, CONTRACT)


@pytest.fixture(scope="module")
def labelled(book: CuratedBook, version: ModelVersion) -> pd.DataFrame:
    return score_labelled(book, version, CONTRACT)


@pytest.fixture(scope="module")
def judged(labelled: pd.DataFrame) -> pd.DataFrame:
    """The labelled as they are judged: recalibrated."""
    bent = BENT.apply(labelled["probability"].to_numpy(), labelled["fold"].to_numpy())
    return labelled.assign(probability=bent)


@pytest.fixture
def damaged(version: ModelVersion, tmp_path: Path) -> ModelVersion:
    """A copy to be damaged."""
    shutil.copytree(version.folder, tmp_path / "models" / "champion")
    return load_version(tmp_path / "models" / "champion")


def read(book: CuratedBook) -> pa.Table:
    return pa.concat_tables(pq.read_table(p) for p in book.parts)


# The scorer


def test_every_row_is_scored_by_the_member_of_its_fold(
    book: CuratedBook, version: ModelVersion, scorer: Scorer
) -> None:
    rows = read(book)
    scores = scorer.score(rows)
    by_member = []
    for member in version.members:
        encoder = Encoder.load(encoder_path(version.folder, member.fold), CONTRACT)
        predictor = Predictor(load_network(model_path(version.folder, member.fold)))
        logits = predictor.predict_logits(*encoder.encode(rows))
        corrected = correct_prior(logits, member.weight_of_zero, member.weight_of_one)
        counts = member.n_source_rows, member.n_source_ones
        by_member.append(smooth_probabilities(corrected, *counts))
    own = np.array(by_member)[rows["fold"].to_numpy(), np.arange(N_ROWS)]
    assert np.array_equal(scores, own)
    assert len({tuple(s[:50]) for s in by_member}) == 5


def test_scores_of_before_and_of_soft_f1_are_not_smoothed() -> None:
    logits = np.array([-20.0, -3.0, 9.0], dtype=np.float32)
    corrected = correct_prior(logits, 0.5, 4.0)
    for bare in (make_member(0, "soft_f1"), dataclasses.replace(make_member(0), n_source_rows=0)):
        assert correct(logits, bare).tolist() == corrected.tolist()
    assert correct(logits, make_member(0))[0] > 1000 * corrected[0]


def test_rows_of_one_fold_only_are_scored(book: CuratedBook, scorer: Scorer) -> None:
    rows = read(book)
    assert np.array_equal(scorer.score(rows.slice(7, 1)), scorer.score(rows)[7:8])
    assert scorer.score(rows.slice(0, 0)).shape == (0,)


def test_labelled_rows_carry_response_and_rule(book: CuratedBook, labelled: pd.DataFrame) -> None:
    rows = read_labelled(book).to_pandas()
    rule = (rows["Previously_Insured"] == 0) & (rows["Vehicle_Damage"] == "Yes")
    assert len(labelled) == book.n_labelled
    for column in ("policyholder_id", "fold", "response"):
        assert labelled[column].equals(rows[column])
    assert labelled["follows_rule"].equals(rule.rename("follows_rule"))
    assert 0.3 < rule.mean() < 0.7


@pytest.mark.parametrize("lost", ["member-3.keras", "encoder-3.json"])
@pytest.mark.parametrize("content", [None, b"", b"garbage"], ids=["missing", "empty", "damaged"])
def test_a_lost_file_is_a_model_error(
    damaged: ModelVersion, lost: str, content: bytes | None
) -> None:
    path = damaged.folder / lost
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    reason = "is missing" if content is None else "cannot be read"
    with pytest.raises(ModelError, match=f"{lost} {reason}"):
        Scorer(damaged, CONTRACT)


def test_a_changed_network_is_never_opened(
    damaged: ModelVersion, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also tonight's own, which was judged a moment ago."""
    checked = dataclasses.replace(damaged, files_digest=version.files_digest)
    Scorer(checked, CONTRACT)
    path = model_path(damaged.folder, 4)
    path.write_bytes(model_path(damaged.folder, 3).read_bytes())
    opened: list[Path] = []
    monkeypatch.setattr("propensity.model.network.family.load", opened.append)
    with pytest.raises(ChangedModelError, match=r"member-4\.keras has the SHA-256"):
        Scorer(checked, CONTRACT)
    assert opened == []


def test_a_version_without_a_member_is_refused(version: ModelVersion) -> None:
    short = dataclasses.replace(version, members=version.members[:4])
    with pytest.raises(ModelError, match=r"members for the folds \[0, 1, 2, 3\]"):
        Scorer(short, CONTRACT)


# The book


@pytest.fixture(scope="module", params=[131_072, 300], ids=["one batch", "many batches"])
def scores(
    request: pytest.FixtureRequest,
    book: CuratedBook,
    version: ModelVersion,
    judged: pd.DataFrame,
    tmp_path_factory: pytest.TempPathFactory,
) -> pd.DataFrame:
    serving = Contender(version, evaluate_scores(judged, seed=0, n_bootstrap=20), BENT)
    folder, shares = tmp_path_factory.mktemp("scores"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_parts, "BATCH_ROWS", request.param)
        patch.setattr(external_sort, "BUCKET_ROWS", request.param * 10)
        scored = score_book(book, serving, CONTRACT, RULES, folder, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert sorted(folder.iterdir()) == list(scored.parts), "the first pass leaves nothing behind"
    table = pa.concat_tables(pq.read_table(p) for p in scored.parts)
    assert table.schema == SCORES_SCHEMA
    assert table.num_rows == scored.n_rows
    frame = table.to_pandas()
    assert scored.n_control == frame["is_control"].sum()
    assert scored.n_leads == frame["lead_rank"].notna().sum()
    return frame


def test_everybody_is_scored(scores: pd.DataFrame, book: CuratedBook) -> None:
    rows = read(book).to_pandas()
    assert not scores["policyholder_id"].duplicated().any()
    scores = scores.set_index("policyholder_id").reindex(rows["policyholder_id"]).reset_index()
    assert scores["fold"].equals(rows["fold"])
    assert scores["region_code"].equals(rows["Region_Code"].rename("region_code"))
    assert scores["sales_channel"].equals(rows["Policy_Sales_Channel"].rename("sales_channel"))
    assert scores["response_known"].eq(rows["response"].notna()).all()
    assert scores["response_known"].sum() == book.n_labelled < N_ROWS
    assert scores["probability"].between(0, 1).all()


def test_the_published_scores_are_the_evaluated_ones(
    scores: pd.DataFrame, judged: pd.DataFrame
) -> None:
    published = scores.set_index("policyholder_id")["probability"]
    own = published[judged["policyholder_id"]].to_numpy()
    assert np.array_equal(own, judged["probability"].to_numpy())


def test_the_published_f1_is_the_f1_of_the_published_responses(
    scores: pd.DataFrame, judged: pd.DataFrame
) -> None:
    known = scores.set_index("policyholder_id").loc[judged["policyholder_id"]]
    quality = evaluate_scores(judged, seed=0, n_bootstrap=20)
    published = f1_score(judged["response"], known["predicted_response"])
    assert quality.f1 == pytest.approx(published, abs=1e-15)
    thresholds = np.array(quality.thresholds, dtype=np.float32)[scores["fold"]]
    assert (scores["predicted_response"] == (scores["probability"] >= thresholds)).all()


def test_ranks_are_over_the_whole_book(scores: pd.DataFrame) -> None:
    expected = 100 * scores["probability"].rank(pct=True, method="max")
    assert scores["percentile"].to_numpy() == pytest.approx(expected, abs=0.2)
    sizes = scores["decile"].value_counts().sort_index()
    assert sizes.index.tolist() == list(range(1, 11))
    assert sizes.to_numpy() == pytest.approx(N_ROWS / 10, abs=5)
    assert set(scores["decile"][:10]) == {1}


def test_the_best_come_first_and_leads_are_numbered_in_that_order(scores: pd.DataFrame) -> None:
    order = scores.sort_values(["probability", "policyholder_id"], ascending=[False, True])
    assert order.index.equals(scores.index)
    is_lead = (scores["response_known"] == 0) & (scores["is_control"] == 0)
    assert scores.loc[is_lead, "lead_rank"].tolist() == list(range(1, is_lead.sum() + 1))
    assert scores.loc[~is_lead, "lead_rank"].isna().all()


def test_the_control_group_is_a_fair_share_of_everybody(scores: pd.DataFrame) -> None:
    assert scores["is_control"].mean() == pytest.approx(RULES.control_share, abs=0.02)
    chosen = scores.loc[scores["is_control"] == 1, "policyholder_id"].to_numpy()
    assert np.array_equal(chosen, chosen[select_share(chosen, RULES.control_share, CONTROL_SALT)])
    folds = scores.loc[scores["is_control"] == 1, "fold"].value_counts(normalize=True)
    assert folds.min() > 0.1, "the control group is no fold"


def test_known_responses_may_be_leads_too(
    book: CuratedBook, version: ModelVersion, labelled: pd.DataFrame, tmp_path: Path
) -> None:
    rules = LeadRules(control_share=0, includes_known=True)
    serving = Contender(version, evaluate_scores(labelled, seed=0, n_bootstrap=20))
    scored = score_book(book, serving, CONTRACT, rules, tmp_path)
    assert (scored.n_control, scored.n_leads) == (0, N_ROWS)
