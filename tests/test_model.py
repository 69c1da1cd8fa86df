"""A model is a value: what is made of it leaves it as it was."""

import pickle

import numpy as np
import pytest

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)

ROWS = np.random.default_rng(0).normal(size=(80, 4)) + 2
LABELS = np.arange(80) % 2
KINDS = {
    "transformer": lambda: CompetitiveHebbianTransformer(5, random_state=0),
    "classifier": lambda: ActivationLearningClassifier(
        8, encoding="unit", feedback=False, random_state=0
    ),
    "table": lambda: ActivationAnomalyDetector(n_frequencies=8, random_state=0),
    "series": lambda: ActivationAnomalyDetector(n_frequencies=8, window=6, random_state=0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_make_the_model_and_the_model_the_attributes(kind):
    estimator = KINDS[kind]().fit(ROWS, LABELS)
    assert KINDS[kind]()._model() is None
    made = estimator._attributes_of(estimator._model())
    assert made.keys() <= vars(estimator).keys()
    for name, value in made.items():
        assert pickle.dumps(value) == pickle.dumps(vars(estimator)[name]), name


@pytest.mark.parametrize("kind", KINDS)
def test_weights_in_proportion_are_those_of_other_rows_to_come(kind):
    model = KINDS[kind]().fit(ROWS, LABELS)._model()
    before = pickle.dumps(model)
    half = model.scale(0.5)
    assert half.n_seen == pytest.approx(model.n_seen / 2)
    assert half.sample.weight.sum() == pytest.approx(model.sample.weight.sum() / 2)
    ours, theirs = (m.solution.state["moments"][0] for m in (half, model))
    assert ours["weight"] == pytest.approx(theirs["weight"] / 2)
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("kind", KINDS)
def test_models_join_without_changing(kind):
    one, other = (KINDS[kind]().fit(rows, LABELS)._model() for rows in (ROWS, ROWS[::-1] + 1))
    before = pickle.dumps((one, other))
    both = one.join(other)
    assert both.n_seen == pytest.approx(one.n_seen + other.n_seen)
    assert both.network is one.network
    assert pickle.dumps((one, other)) == before


def test_a_training_that_fails_leaves_the_estimator_alone(monkeypatch):
    """Nothing is written on it before the model is whole."""
    detector = ActivationAnomalyDetector(n_frequencies=8, random_state=0).fit(ROWS)
    learned = detector._attributes_of(detector._model())
    before = {name: value for name, value in vars(detector).items() if name in learned}

    def fail(*_, **__):
        assert all(vars(detector)[name] is value for name, value in before.items())
        raise MemoryError

    monkeypatch.setattr("sklearn_activation._detection.table.judge_rows", fail)
    with pytest.raises(MemoryError):
        detector.fit(ROWS)
    assert all(vars(detector)[name] is value for name, value in before.items())
