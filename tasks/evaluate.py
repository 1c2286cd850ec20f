"""Stage 4: evaluate candidate, champion and baselines on the same labelled rows."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.evaluation.records import Contest
from propensity.evaluation.slices import find_level
from propensity.ingest.book import CuratedBook
from propensity.metrics.catalog import find_metrics
from propensity.model.store import Member, ModelVersion, save_version
from propensity.reporting.contest import tabulate_contest, tabulate_slices
from propensity.runtime.night import OpenNight
from propensity.warehouse.model_registry import find_files_digest
from propensity.warehouse.promotions import find_champion
from tasks.artifacts import create_table_artifact
from tasks.line import StageLine


@task(task_run_name="evaluate", cache_policy=NO_CACHE)
def evaluate(night: OpenNight, book: CuratedBook, members: list[Member]) -> Contest:
    """Save the members as a version and evaluate it with the champion and the baselines."""
    line = StageLine()
    from propensity.evaluation.contest import judge  # imports scikit-learn

    folder = night.workspace.model(night.version_name)
    digest = night.contract.digest
    version = ModelVersion(night.version_name, folder, digest, tuple(members))
    candidate, engine = save_version(version), night.rejoin()
    champion = find_champion(engine, night.config.as_of)
    known = find_files_digest(engine, champion)
    contest = judge(book, night.contract, night.config, candidate, champion, night.workspace, known)
    create_table_artifact(tabulate_contest(contest), "evaluation")
    level = find_level(len(contest.slices))
    said = f"Intervals of net benefit are at level {level:.2%} because there are many slices"
    create_table_artifact(tabulate_slices(contest), "slices", description=said)
    quality = contest.candidate.evaluation
    line.end(
        "%s labelled rows: %s",
        f"{book.n_labelled:,}",
        ", ".join(f"{m.label} {quality.write(m)}" for m in find_metrics("terminal")),
    )
    if abs(quality.threshold_gap) > quality.threshold_gap_by_chance:
        line.log.warning(
            "The mean threshold differs by %+.4f from half of F1, by chance at most %.4f: check "
            "the reliability of the probabilities before you rely on expected buyers",
            quality.threshold_gap,
            quality.threshold_gap_by_chance,
        )
    return contest
