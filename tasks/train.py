"""Stage 3: train one member of tonight's candidate."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.ingest.book import CuratedBook
from propensity.model.store import Member
from propensity.runtime.checkpoints import Stage, copy_files
from propensity.runtime.night import OpenNight
from tasks.artifacts import create_progress_artifact, update_progress_artifact
from tasks.line import StageLine
from tasks.progress import show_progress


@task(task_run_name="train-fold-{fold}", cache_policy=NO_CACHE)
def train(night: OpenNight, book: CuratedBook, fold: int) -> Member:
    """Train the member that will score a fold, on the labelled rows of the other folds."""
    line, folder = StageLine(), night.workspace.model(night.version_name)
    stage = Stage(night, f"train-fold-{fold}", Member, book.digests)
    checkpoint = stage.find(line.log.warning)
    if checkpoint:
        line.take(checkpoint.written_at)
        copy_files(checkpoint, folder)
        member = checkpoint.record
    else:
        member = _train(night, book, fold, line)
    stage.keep(member, member.list_files(folder))
    line.end(
        "%s on %s rows, class weights %.3f and %.3f, validation F1 %.4f",
        member.summary,
        f"{member.n_training_rows:,}",
        member.weight_of_zero,
        member.weight_of_one,
        member.validation_f1,
    )
    return member


def _train(night: OpenNight, book: CuratedBook, fold: int, line: StageLine) -> Member:
    from propensity.model.cross_fitting import train_member  # takes seconds to import

    max_epochs = night.config.max_epochs
    artifact = create_progress_artifact(0.0, f"training-fold-{fold}", f"Training of member {fold}")
    with show_progress(f"train fold {fold}") as on_progress:

        def on_epoch(epoch: int, score: float) -> None:
            line.log.debug("epoch %s/%s: validation F1 %.4f", epoch, max_epochs, score)
            update_progress_artifact(artifact, 100 * epoch / max_epochs)
            on_progress(epoch / max_epochs)

        folder = night.workspace.model(night.version_name)
        member = train_member(book, fold, night.contract, night.config, folder, on_epoch)
    update_progress_artifact(artifact, 100.0)
    return member
