"""A whole night on PostgreSQL, from the command line; and its password is nobody's business."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from propensity.model.store import load_version
from propensity.simulation.book import simulate_book

ROOT = Path(__file__).parents[2]
PASSWORD = "hunter2-7f3a"  # noqa: S105
pytestmark = pytest.mark.slow


def find_password(folder, password: str = PASSWORD) -> list[str]:
    """Files the night wrote, Prefect's database of logs and artifacts among them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name.startswith("prefect.db") for path in files)
    return [str(path) for path in files if password.encode() in path.read_bytes()]


def check_oversampled(models: Path, prevalence: float) -> None:
    """The strategy that was set is the one of each member, and on the card."""
    (folder,) = models.iterdir()
    for member in load_version(folder).members:
        odds = member.weight_of_zero, member.weight_of_one
        assert odds == (1, pytest.approx(1 / prevalence - 1, rel=0.05))
    assert "| strategy | oversample |" in (folder / "card.md").read_text(encoding="utf-8")


def test_a_night_on_postgresql(propensity, postgresql_url):
    url = make_url(postgresql_url)
    password = url.password or PASSWORD  # the server of the tests takes any
    secret = url.set(password=password).render_as_string(hide_password=False)
    mine = {"PROPENSITY_DATABASE_URL": secret, "PROPENSITY_MAX_EPOCHS": "1"}
    mine["PROPENSITY_STRATEGY"] = "oversample"
    ran = propensity("run", "--simulated", **mine)
    assert ran.returncode == 0, ran.stderr
    assert "The 10 best leads" in ran.stdout
    outputs = [
        ran,
        *(
            propensity(*words.split(), **mine)
            for words in (
                "leads",
                "runs",
                "models",
                "leads --calls 500",
                "retention --dry-run",
                "rollback --reason trial",
                "models rollback --reason trial",
            )
        ),
    ]
    assert [output.returncode for output in outputs] == [0, 0, 0, 0, 0, 0, 5, 5]
    engine = create_engine(secret.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        query = "SELECT count(*), avg(probability) FROM current_scores"
        n_scored, mean = connection.execute(text(query)).one()
        prevalence = connection.execute(text("SELECT prevalence FROM model_versions")).scalar_one()
    engine.dispose()
    assert n_scored == 50_000
    # ones were drawn until they were as many as zeros, and the scores put right again
    assert mean == pytest.approx(prevalence, abs=0.02)
    check_oversampled(propensity.data_dir / "models", prevalence)
    if password in ROOT.joinpath("README.md").read_text(encoding="utf-8"):
        pytest.skip(f"{password!r} is an ordinary word: whether it was shown cannot be told")
    assert not any(password in output.stdout + output.stderr for output in outputs)
    assert find_password(propensity.data_dir, password) == []


def test_a_night_without_its_database_says_so_without_the_password(propensity, tmp_path):
    url = f"postgresql://joe:{PASSWORD}@127.0.0.1:1/nowhere?application_name={PASSWORD}"
    simulate_book(tmp_path / "book.csv", n_rows=100, seed=0)
    (tmp_path / "x.csv").write_text("policyholder_id,reason\n1,asked\n", encoding="utf-8")
    commands = f"run {tmp_path / 'book.csv'}", "leads", f"suppress {tmp_path / 'x.csv'}"
    with ThreadPoolExecutor() as pool:  # each asks again for some seconds: at the same time
        asked = [
            pool.submit(propensity, *words.split(), PROPENSITY_DATABASE_URL=url)
            for words in commands
        ]
    for ended in (future.result() for future in asked):
        assert ended.returncode == 5, ended.stderr
        assert "127.0.0.1:1/nowhere does not answer" in ended.stderr
        assert PASSWORD not in ended.stdout + ended.stderr
    assert find_password(propensity.data_dir) == []
