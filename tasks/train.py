"""Stage 3: one member of tonight's candidate."""

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from propensity.dataset import CuratedBook
from propensity.night import OpenNight
from propensity.registry import Member
from tasks.artifacts import create_progress_artifact, update_progress_artifact
from tasks.progress import show_progress


@task(task_run_name="train-fold-{fold}", cache_policy=NO_CACHE)
def train(night: OpenNight, book: CuratedBook, fold: int) -> Member:
    """Train the member that will score a fold, on the labelled rows of the other folds."""
    from propensity.crossfit import train_member  # TensorFlow: seconds, and only here

    log, max_epochs = get_run_logger(), night.config.max_epochs
    artifact = create_progress_artifact(0.0, f"training-fold-{fold}", f"Epochs of member {fold}")
    with show_progress(f"train fold {fold}") as on_progress:

        def on_epoch(epoch: int, score: float) -> None:
            log.info("epoch %s/%s: validation F1 %.4f", epoch, max_epochs, score)
            update_progress_artifact(artifact, 100 * epoch / max_epochs)
            on_progress(epoch / max_epochs)

        folder = night.workspace.model(night.version_name)
        member = train_member(book, fold, night.contract, night.config, folder, on_epoch)
    update_progress_artifact(artifact, 100.0)
    weights = member.weight_of_zero, member.weight_of_one
    log.info("%s rows, class weights %.3f and %.3f", f"{member.n_training_rows:,}", *weights)
    return member
