"""A simulated book: its spelling, its marginals, and the truth that is written down for it."""

import gzip
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve, roc_auc_score

from propensity.simulation import book, facts
from propensity.simulation.book import ResponseLaw, simulate_book, simulate_rows, true_probability
from propensity.simulation.response import JOINT_EFFECTS
from propensity.simulation.tables import build_tables

COLUMNS = [
    "id", "Gender", "Age", "Driving_License", "Region_Code", "Previously_Insured", "Vehicle_Age",
    "Vehicle_Damage", "Annual_Premium", "Policy_Sales_Channel", "Vintage", "Response",
]  # fmt: skip
REAL = Path(__file__).parents[4] / "shared" / "data"
N_ROWS = 400_000


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    table, probability = simulate_rows(N_ROWS, np.random.default_rng(7))
    return table.to_pandas().assign(truth=probability)


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    if not (REAL / "train.csv.gz").exists():
        pytest.skip(f"the real table is not at {REAL}")
    return pd.concat([pd.read_csv(REAL / f"{part}.csv.gz") for part in ("train", "test")])


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "BLOCK_ROWS", 100)


def sampling_error(prevalence: float, n_rows: int) -> float:
    """Four standard errors: a correct simulation fails once in 16,000 seeds."""
    return 4 * math.sqrt(prevalence * (1 - prevalence) / n_rows)


# The file


def test_file_is_spelt_like_the_real_one(tmp_path: Path) -> None:
    simulate_book(tmp_path / "book.csv", n_rows=500, seed=1)
    header, *lines = (tmp_path / "book.csv").read_text().splitlines()
    assert header == ",".join(COLUMNS)
    fields = r"\d+,(Male|Female),\d\d,[01],\d+\.0,[01],(< 1 Year|1-2 Year|> 2 Years),(Yes|No)"
    spelling = pd.Series(lines).str.fullmatch(fields + r",\d+\.0,\d+\.0,\d+,[01]")
    assert spelling.all()
    assert len(lines) == 500


def test_file_round_trip_gives_the_rows_drawn(tmp_path: Path) -> None:
    book = simulate_book(tmp_path / "book.csv", n_rows=2_000, seed=3, first_id=90)
    drawn, _ = simulate_rows(2_000, np.random.default_rng([3, 0]), first_id=90)
    expected = drawn.to_pandas().astype({"Gender": str, "Vehicle_Age": str, "Vehicle_Damage": str})
    written = pd.read_csv(book.path)
    pd.testing.assert_frame_equal(written, expected, check_dtype=False)
    assert book.n_rows == book.n_labelled == 2_000
    assert book.prevalence == pytest.approx(written["Response"].mean())


def test_gzip_holds_the_same_text(tmp_path: Path) -> None:
    simulate_book(tmp_path / "book.csv", n_rows=1_000, seed=1)
    simulate_book(tmp_path / "book.csv.gz", n_rows=1_000, seed=1)
    packed = (tmp_path / "book.csv.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "book.csv").read_bytes()
    assert packed[3:8] == bytes(5)  # neither file name nor time in the header


@pytest.mark.parametrize("name", ["book.csv", "book.csv.gz"])
@pytest.mark.usefixtures("small_blocks")
def test_same_seed_same_bytes(tmp_path: Path, name: str) -> None:
    contents = []
    for seed in (5, 5, 6):
        simulate_book(tmp_path / name, n_rows=250, seed=seed, unlabelled_share=0.3)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("n_rows", [1, 99, 100, 101, 250])
def test_blocks_join_without_gap(tmp_path: Path, n_rows: int) -> None:
    seen: list[int] = []
    truth = tmp_path / "truth.parquet"
    book = simulate_book(
        tmp_path / "book.csv", n_rows=n_rows, seed=1, truth=truth, first_id=11, on_rows=seen.append
    )
    written = pd.read_csv(book.path)
    assert written["id"].tolist() == list(range(11, 11 + n_rows))
    assert pd.read_parquet(truth)["policyholder_id"].tolist() == written["id"].tolist()
    assert seen == [*range(100, n_rows, 100), n_rows]
    assert book.n_rows == n_rows


@pytest.mark.usefixtures("small_blocks")
def test_blocks_differ_from_one_another(tmp_path: Path) -> None:
    simulate_book(tmp_path / "book.csv", n_rows=200, seed=1)
    written = pd.read_csv(tmp_path / "book.csv").drop(columns="id")
    assert not written[:100].reset_index(drop=True).equals(written[100:].reset_index(drop=True))


@pytest.mark.usefixtures("small_blocks")
def test_interrupted_write_changes_nothing(tmp_path: Path) -> None:
    book, truth = tmp_path / "book.csv", tmp_path / "truth.parquet"
    simulate_book(book, n_rows=50, seed=1, truth=truth)
    before = book.read_bytes(), truth.read_bytes()

    def stop(n_rows: int) -> None:
        raise KeyboardInterrupt(n_rows)

    with pytest.raises(KeyboardInterrupt):
        simulate_book(book, n_rows=300, seed=2, truth=truth, on_rows=stop)
    assert (book.read_bytes(), truth.read_bytes()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.csv", "truth.parquet"]


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("n_rows", 0),
        ("seed", -1),
        ("prevalence", 0.0),
        ("prevalence", 1.0),
        ("prevalence", math.nan),
        ("unlabelled_share", 1.0),
        ("unlabelled_share", -0.1),
        ("signal", -1.0),
        ("signal", math.inf),
        ("first_id", -1),
    ],
)
def test_bad_arguments_are_refused_and_leave_no_file(
    tmp_path: Path, argument: str, value: float
) -> None:
    arguments = {"n_rows": 10, "seed": 1} | {argument: value}
    with pytest.raises(ValueError, match=argument if argument != "seed" else "non-negative"):
        simulate_book(tmp_path / "book.csv", **arguments)
    assert list(tmp_path.iterdir()) == []


# The response


@pytest.mark.parametrize("prevalence", [0.123, 0.164])
@pytest.mark.parametrize("signal", [0.0, 1.0, 2.0])
def test_prevalence_is_the_one_asked_for(prevalence: float, signal: float) -> None:
    law = ResponseLaw(prevalence, signal)
    table, probability = simulate_rows(N_ROWS, np.random.default_rng(2), law)
    tolerance = sampling_error(prevalence, N_ROWS)
    assert probability.mean() == pytest.approx(prevalence, abs=tolerance)
    assert table["Response"].to_numpy().mean() == pytest.approx(prevalence, abs=tolerance)


@settings(deadline=None, max_examples=25)  # the first draw builds the tables
@given(st.floats(1e-4, 1 - 1e-4), st.floats(0, 20))
def test_any_law_gives_probabilities_with_its_prevalence(prevalence: float, signal: float) -> None:
    _, probability = simulate_rows(
        20_000, np.random.default_rng(1), ResponseLaw(prevalence, signal)
    )
    assert ((probability >= 0) & (probability <= 1)).all()
    assert probability.mean() == pytest.approx(prevalence, abs=sampling_error(prevalence, 20_000))


def test_truth_is_as_hard_as_the_real_table(rows: pd.DataFrame) -> None:
    precision, recall, _ = precision_recall_curve(rows["Response"], rows["truth"])
    best_f1 = (2 * precision * recall / (precision + recall)).max()
    assert roc_auc_score(rows["Response"], rows["truth"]) == pytest.approx(0.861, abs=0.005)
    assert best_f1 == pytest.approx(0.457, abs=0.01)


def test_truth_is_calibrated_against_the_responses(rows: pd.DataFrame) -> None:
    tenths = rows.groupby(pd.qcut(rows["truth"].rank(method="first"), 10))
    observed, expected = tenths["Response"].mean(), tenths["truth"].mean()
    allowed = 4 * np.sqrt(expected * (1 - expected) / tenths.size())
    assert ((observed - expected).abs() <= allowed).all()


def test_more_signal_is_easier_to_rank() -> None:
    areas = []
    for signal in (0.0, 0.5, 1.0, 2.0):
        table, truth = simulate_rows(50_000, np.random.default_rng(4), ResponseLaw(signal=signal))
        areas.append(roc_auc_score(table["Response"].to_numpy(), truth))
    assert areas[0] == 0.5
    assert areas == sorted(areas)
    assert min(np.diff(areas)) > 0.03


def test_without_signal_everyone_is_equally_likely() -> None:
    _, probability = simulate_rows(1_000, np.random.default_rng(4), ResponseLaw(0.2, 0.0))
    assert probability == pytest.approx(np.full(1_000, 0.2), abs=1e-6)


def test_truth_file_matches_the_public_formula(tmp_path: Path) -> None:
    truth = tmp_path / "truth.parquet"
    simulate_book(
        tmp_path / "book.csv", n_rows=5_000, seed=8, truth=truth, prevalence=0.164, signal=1.5
    )
    expected = true_probability(pd.read_csv(tmp_path / "book.csv"), ResponseLaw(0.164, 1.5))
    assert pq.read_schema(truth).field("true_probability").type == pa.float32()
    assert pd.read_parquet(truth)["true_probability"].to_numpy() == pytest.approx(
        expected, rel=1e-6
    )


def test_formula_of_the_documentation() -> None:
    def logit(**changes: object) -> float:
        base = {
            "Age": 43, "Gender": "Female", "Driving_License": 1, "Region_Code": 28.0,
            "Previously_Insured": 0, "Vehicle_Age": "1-2 Year", "Vehicle_Damage": "Yes",
            "Annual_Premium": 40000.0, "Policy_Sales_Channel": 124.0, "Vintage": 100,
        }  # fmt: skip
        probability = true_probability(pd.DataFrame([base | changes]))[0]
        return math.log(probability / (1 - probability))

    base = logit()
    assert logit(Vintage=290) == base
    assert logit(Annual_Premium=2630.0) - base == pytest.approx(-0.10)
    assert logit(Vehicle_Damage="No") - base == pytest.approx(-2.05)
    assert logit(Previously_Insured=1) - base == pytest.approx(-3.40 + 0.45)
    assert logit(Previously_Insured=1, Vehicle_Damage="No") - base == pytest.approx(-6.30 + 0.45)
    by_26 = {"Policy_Sales_Channel": 26.0}
    assert logit(**by_26) - base == pytest.approx(-0.25 + 0.80 + 0.45)  # region 28, ages 30-49
    assert logit(**by_26, Region_Code=46.0) - base == pytest.approx(-0.25 + 0.45)
    insured = {"Previously_Insured": 1}
    assert logit(**by_26, **insured) - logit(**insured) == pytest.approx(-0.25)


def test_every_joint_effect_meets_enough_rows_to_be_learnt() -> None:
    people = book.draw_policyholders(N_ROWS, np.random.default_rng(1))
    for effect, ranges in JOINT_EFFECTS:
        inside = [
            (getattr(people, name) >= low) & (getattr(people, name) <= high)
            for name, (low, high) in ranges.items()
        ]
        assert np.logical_and.reduce(inside).mean() > 0.001, (effect, ranges)


def test_unknown_spelling_is_named() -> None:
    table, _ = simulate_rows(5, np.random.default_rng(1))
    frame = table.to_pandas().astype({"Vehicle_Age": str})
    frame.loc[3, "Vehicle_Age"] = "3 years"
    with pytest.raises(ValueError, match="Vehicle_Age is '3 years'"):
        true_probability(frame)


# The labels


def test_unlabelled_share_is_blank_and_stable(tmp_path: Path) -> None:
    books = [
        simulate_book(tmp_path / f"{name}.csv", n_rows=50_000, seed=1, unlabelled_share=share)
        for name, share in (("some", 0.3), ("same", 0.3), ("more", 0.6), ("none", 0.0))
    ]
    some, same, more, none = (pd.read_csv(book.path) for book in books)
    blank = some["Response"].isna()
    assert blank.mean() == pytest.approx(0.3, abs=sampling_error(0.3, 50_000))
    assert books[0].n_labelled == (~blank).sum()
    assert books[0].prevalence == pytest.approx(some["Response"].mean())
    assert blank.equals(same["Response"].isna())
    assert more["Response"].isna()[blank].all()
    assert none["Response"][~blank].equals(some["Response"][~blank].astype(int))


def test_law_changes_responses_only() -> None:
    usual, _ = simulate_rows(5_000, np.random.default_rng(7))
    other, _ = simulate_rows(5_000, np.random.default_rng(7), ResponseLaw(0.5, 2.0))
    assert other.drop_columns("Response").equals(usual.drop_columns("Response"))
    assert not other["Response"].equals(usual["Response"])


def test_nobody_labelled_has_no_prevalence(tmp_path: Path) -> None:
    book = simulate_book(tmp_path / "book.csv", n_rows=3, seed=1, unlabelled_share=0.9999)
    assert book.n_labelled == 0
    assert math.isnan(book.prevalence)


# The marginals


def test_domains(rows: pd.DataFrame) -> None:
    assert rows["Age"].between(20, 85).all()
    assert rows["Vintage"].agg(["min", "max"]).tolist() == [10, 299]
    assert set(rows["Region_Code"]) == set(range(53))
    assert rows["Annual_Premium"].min() == 2630
    assert not set(rows["Policy_Sales_Channel"]) & set(facts.UNUSED_CHANNELS)


def test_every_channel_can_be_drawn() -> None:
    codes = {*facts.LEADING_CHANNELS, *build_tables().other_channel.tolist()}
    assert codes == set(range(1, 164)) - set(facts.UNUSED_CHANNELS)
    assert len(codes) == 157


@pytest.mark.real
@pytest.mark.parametrize(
    "column",
    [
        "Gender",
        "Driving_License",
        "Region_Code",
        "Previously_Insured",
        "Vehicle_Age",
        "Vehicle_Damage",
        "Policy_Sales_Channel",
    ],
)
def test_category_shares_are_the_real_ones(
    rows: pd.DataFrame, real: pd.DataFrame, column: str
) -> None:
    expected = real[column].value_counts(normalize=True).head(12)
    found = rows[column].value_counts(normalize=True).reindex(expected.index)
    assert found.to_numpy() == pytest.approx(expected.to_numpy(), abs=0.02)


@pytest.mark.real
def test_ages_and_premiums_are_the_real_ones(rows: pd.DataFrame, real: pd.DataFrame) -> None:
    tenths = np.arange(0.1, 1.0, 0.1)
    assert rows["Age"].quantile(tenths).tolist() == pytest.approx(
        real["Age"].quantile(tenths).tolist(), abs=2
    )
    assert rows["Annual_Premium"].quantile(tenths[2:]).tolist() == pytest.approx(
        real["Annual_Premium"].quantile(tenths[2:]).tolist(), rel=0.03
    )
    floor_share = (rows["Annual_Premium"] == 2630).mean()
    assert floor_share == pytest.approx((real["Annual_Premium"] == 2630).mean(), abs=0.015)


@pytest.mark.real
@pytest.mark.parametrize(
    ("value", "given_column"),
    [
        ("Previously_Insured", "Vehicle_Age"),
        ("Previously_Insured", "Policy_Sales_Channel"),
        ("Vehicle_Damage", "Previously_Insured"),
        ("Vehicle_Age", "Policy_Sales_Channel"),
        ("Region_Code", "Policy_Sales_Channel"),
    ],
)
def test_dependence_between_columns_is_the_real_one(
    rows: pd.DataFrame, real: pd.DataFrame, value: str, given_column: str
) -> None:
    leading = real[given_column].value_counts().index[:6]
    most_common = real[value].mode()[0]
    shares = [
        (frame[value] == most_common).groupby(frame[given_column], observed=True).mean()[leading]
        for frame in (rows, real)
    ]
    assert shares[0].to_numpy() == pytest.approx(shares[1].to_numpy(), abs=0.04)


@pytest.mark.real
def test_prevalence_by_insured_and_damage_is_the_real_one(
    rows: pd.DataFrame, real: pd.DataFrame
) -> None:
    found, expected = (
        frame.groupby(["Previously_Insured", "Vehicle_Damage"], observed=True)["Response"].mean()
        for frame in (rows, real)
    )
    assert found.to_numpy() == pytest.approx(expected[found.index].to_numpy(), abs=0.02)
    assert found[1, "No"] < 0.001
    assert found[1, "Yes"] < 0.02


@pytest.mark.real
def test_responses_by_age_rise_and_fall_like_the_real_ones(
    rows: pd.DataFrame, real: pd.DataFrame
) -> None:
    edges = [19, 25, 30, 36, 45, 55, 65, 85]
    shares = []
    for frame in (rows, real):
        asked = frame[(frame["Previously_Insured"] == 0) & (frame["Vehicle_Damage"] == "Yes")]
        shares.append(asked.groupby(pd.cut(asked["Age"], edges), observed=True)["Response"].mean())
    assert shares[0].to_numpy() == pytest.approx(shares[1].to_numpy(), abs=0.04)
