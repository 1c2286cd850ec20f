from prefect.artifacts import Artifact

from propensity.registry import encoder_path, network_path


def test_trains_a_member_a_fold(night, book, members):
    assert [m.fold for m in members] == [0, 1, 2, 3, 4]
    folder = night.workspace.model(night.version_name)
    for fold in range(5):
        assert network_path(folder, fold).is_file()
        assert encoder_path(folder, fold).is_file()


def test_learns_from_labelled_rows_of_other_folds_only(book, members):
    for member in members:
        # 4 of 5 folds, less a tenth kept aside
        assert 0.65 < member.n_training_rows / book.n_labelled < 0.79
        assert member.weight_of_zero < 1
        assert member.weight_of_one > 3


def test_shows_progress_to_the_end(members):
    assert float(Artifact.get("training-fold-3").data) == 100
