"""What a solver tells about a training, by printed lines and to callbacks."""

from types import SimpleNamespace

from sklearn_activation._progress import Progress


class Context:
    """Stands in for scikit-learn's: keeps what it is told, and asks to stop at the second end."""

    def __init__(self, told):
        self.told = told

    def subcontext(self, task_name):
        self.told.append(("task", task_name))
        return self

    def call_on_fit_task_begin(self, **data):
        self.told.append(("begin", data))

    def call_on_fit_task_end(self, **data):
        self.told.append(("end", data))
        return [kind for kind, _ in self.told].count("end") == 2


def test_lines_are_printed_where_they_are_asked_for(capsys):
    for verbose in (0, 1):
        progress = Progress(verbose)
        progress.begin("epoch")
        assert progress.end("Epoch 1") is False
    assert capsys.readouterr().out == "Epoch 1\n"


def test_callbacks_are_told_of_every_epoch_and_may_stop():
    told = []
    estimator = SimpleNamespace(_callback_fit_ctx=Context(told))
    progress = Progress(0, estimator, {"X": 1, "y": 2})
    stops = []
    for _ in range(2):
        progress.begin("epoch")
        stops.append(progress.end("a line"))
    assert stops == [False, True]
    assert [kind for kind, _ in told] == ["task", "begin", "end"] * 2
    given = {"estimator": estimator, "X": 1, "y": 2}
    assert told[1] == ("begin", given)
    assert told[2] == ("end", given | {"reconstruction_attributes": None})


def test_the_solution_so_far_is_made_only_if_a_callback_wants_it():
    told, made = [], []
    progress = Progress(0, SimpleNamespace(_callback_fit_ctx=Context(told)))
    progress.fitted = lambda solution: {"fitted": solution}
    progress.begin("epoch")
    progress.end("a line", lambda: made.append(1) or "solution")
    assert not made
    assert told[-1][1]["reconstruction_attributes"]() == {"fitted": "solution"}
    assert made == [1]
