from prefect.artifacts import Artifact

from propensity.model.store import encoder_path, model_path
from tasks import train as stage
from tasks.artifacts import update_progress_artifact
from tasks.train import train


def test_trains_a_member_a_fold(night, book, members):
    assert [m.fold for m in members] == [0, 1, 2, 3, 4]
    folder = night.workspace.model(night.version_name)
    for fold in range(5):
        assert model_path(folder, fold).is_file()
        assert encoder_path(folder, fold).is_file()


def test_learns_from_labelled_rows_of_other_folds_only(book, members):
    for member in members:
        # 4 of 5 folds, less a tenth kept aside
        assert 0.65 < member.n_training_rows / book.n_labelled < 0.79
        assert member.weight_of_zero < 1
        assert member.weight_of_one > 3


def test_shows_progress_to_the_end(members):
    assert float(Artifact.get("training-fold-3").data) == 100


def test_takes_a_member_of_an_earlier_attempt_into_the_new_version(
    night, book, members, begin_again, caplog
):
    again = begin_again("train")
    assert train(again, book, 2) == members[2]
    assert "reused from" in caplog.text
    for place in (model_path, encoder_path):
        old, new = (place(n.workspace.model(n.version_name), 2) for n in (night, again))
        assert new.read_bytes() == old.read_bytes()
    assert len(list(again.workspace.model(again.version_name).iterdir())) == 2


def test_trains_anew_where_the_network_was_changed_and_shows_each_epoch(
    night, book, members, begin_again, damage, caplog, monkeypatch
):
    shown = []

    def show(artifact, progress):
        update_progress_artifact(artifact, progress)
        shown.append(float(Artifact.get("training-fold-3").data))

    monkeypatch.setattr(stage, "update_progress_artifact", show)
    again = begin_again("changed")
    with damage(model_path(night.workspace.model(night.version_name), 3)):
        assert train(again, book, 3) == members[3]
    assert shown == [50, 100, 100]
    assert "member-3.keras has changed" in caplog.text
    assert "reused from" not in caplog.text
