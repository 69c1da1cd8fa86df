"""Displays: what is drawn is what was computed."""

import builtins
import warnings

import numpy as np
import pandas as pd
import polars
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

from sklearn_activation import (  # noqa: E402
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
)
from sklearn_activation.plotting import (  # noqa: E402
    ActivationLandscapeDisplay,
    AnomalyScoreDisplay,
    EventDisplay,
    ExplanationDisplay,
    ForecastDisplay,
)

from .tables import arrow  # noqa: E402


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True, as_frame=True)
    return X, ActivationAnomalyDetector(random_state=0).fit(X[y == 0])


@pytest.fixture(scope="module")
def series():
    t = np.arange(500)
    X = pd.DataFrame(
        {"a": np.sin(t / 4), "b": np.cos(t / 4)},
        index=pd.date_range("2020-01-01", periods=500, freq="h"),
    )
    X.iloc[300:310, 0] = 3.0
    return X, ActivationAnomalyDetector(window=20, random_state=0).fit(X[:250])


def test_series_scores_threshold_and_alarms(series):
    X, detector = series
    display = AnomalyScoreDisplay.from_estimator(detector, X)
    assert display.figure_ is display.axes_[0].figure
    assert [ax.get_ylabel() for ax in display.axes_] == ["a", "b", "activation"]
    drawn, threshold = display.axes_[-1].lines
    np.testing.assert_array_equal(drawn.get_ydata(), detector.score_samples(X))
    assert set(threshold.get_ydata()) == {detector.offset_}
    np.testing.assert_array_equal(display.axes_[0].lines[0].get_ydata(), X["a"])
    np.testing.assert_array_equal(drawn.get_xdata(orig=True), X.index.to_numpy())
    alarm = detector.predict(X) == -1
    n_spans = np.count_nonzero(np.diff(alarm.astype(int), prepend=0) == 1)
    assert n_spans >= 1
    assert all(len(ax.patches) == n_spans for ax in display.axes_)


def test_an_event_and_the_channels_to_blame(series):
    X, detector = series
    display = EventDisplay.from_estimator(detector, X)
    events = detector.events(X)
    worst = events.loc[events.score.idxmin()]
    assert display.names == ["a", "b"]
    assert display.n_blamed == len(worst.channels)
    assert display.event["start"] == worst.start.to_numpy()
    assert display.event["p"] == worst.p
    at = X.index.get_indexer([worst.start, worst.end])
    shown = X.iloc[at[0] - 20 : at[1] + 21]
    np.testing.assert_array_equal(display.axes_[0].lines[0].get_ydata(), shown["a"])
    narrow = EventDisplay.from_estimator(detector, X, int(events.score.argmin()), margin=0)
    assert len(narrow.X) == at[1] - at[0] + 1
    arrays = ActivationAnomalyDetector(window=20, random_state=0).fit(X[:250].to_numpy())
    assert EventDisplay.from_estimator(arrays, X.to_numpy()).event["start"] == at[0]
    piped = make_pipeline(StandardScaler(), arrays).fit(X[:250].to_numpy())
    assert EventDisplay.from_estimator(piped, X.to_numpy()).names == ["column 0", "column 1"]


def test_bad_questions_to_an_event_display(series, iris):
    X, detector = series
    with pytest.raises(ValueError, match="event=99"):
        EventDisplay.from_estimator(detector, X, 99)
    with pytest.raises(ValueError, match="no events"):
        EventDisplay.from_estimator(detector, X[:200])
    with pytest.raises(ValueError, match="events needs a detector with window"):
        EventDisplay.from_estimator(iris[1], iris[0])
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match="2 are needed, 1 were given"):
        EventDisplay.from_estimator(detector, X, axes=ax)


def test_a_forecast_is_drawn_as_a_fan(series):
    X, detector = series
    display = ForecastDisplay.from_estimator(
        detector, X, 6, channel="b", quantiles=(0.9, 0.1, 0.5)
    )
    expected = detector.forecast_quantiles(X, 6, (0.1, 0.5, 0.9))[:, :, 1]
    np.testing.assert_array_equal(display.values, expected)
    np.testing.assert_array_equal(display.quantiles, (0.1, 0.5, 0.9))
    past, median = display.ax_.lines
    np.testing.assert_array_equal(past.get_ydata(), X["b"][-18:])
    np.testing.assert_array_equal(median.get_ydata(), expected[1])
    following = pd.date_range(X.index[-1], periods=7, freq="h")[1:]
    np.testing.assert_array_equal(median.get_xdata(orig=True), following.to_numpy())
    assert len(display.ax_.collections) == 1
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["0.1 to 0.9", "0.5"]
    assert display.ax_.get_ylabel() == "b"
    _, ax = plt.subplots()
    bands = ForecastDisplay.from_estimator(
        detector, X, 3, quantiles=(0.1, 0.2, 0.8, 0.9), n_past=4, ax=ax
    )
    assert bands.ax_ is ax and len(ax.collections) == 2 and len(ax.lines) == 1
    assert len(bands.past) == 4


@pytest.mark.filterwarnings("ignore:The usual step of X")
def test_a_forecast_shows_the_clock_of_its_time_zone(series):
    X, detector = series
    local = X.set_axis(X.index.tz_localize("Asia/Tokyo"))
    shown, expected = (ForecastDisplay.from_estimator(detector, Z, 6) for Z in (local, X))
    np.testing.assert_array_equal(shown.times, expected.times)
    np.testing.assert_array_equal(shown.past_times, expected.past_times)
    months = X.set_axis(pd.period_range("2020-01", periods=len(X), freq="D"))
    times = ForecastDisplay.from_estimator(detector, months, 6).times
    assert times[1] - times[0] == np.timedelta64(1, "D")


def test_a_forecast_of_arrays_and_of_pipelines(series):
    values = series[0].to_numpy()
    pipeline = make_pipeline(StandardScaler(), ActivationAnomalyDetector(window=20))
    pipeline.fit(values[:250])
    display = ForecastDisplay.from_estimator(pipeline, values[:100], 4)
    np.testing.assert_array_equal(display.times, [100, 101, 102, 103])
    np.testing.assert_array_equal(display.past_times, np.arange(88, 100))
    assert display.name == "x0"
    scaled = pipeline[:-1].transform(values[:100])
    expected = pipeline[-1].forecast_quantiles(scaled, 4, display.quantiles)
    np.testing.assert_array_equal(display.values, expected[:, :, 0])


def test_bad_questions_to_a_forecast_display(series, iris):
    X, detector = series
    with pytest.raises(ValueError, match="No column 'c'"):
        ForecastDisplay.from_estimator(detector, X, 3, channel="c")
    with pytest.raises(ValueError, match="n_past=0"):
        ForecastDisplay.from_estimator(detector, X, 3, n_past=0)
    with pytest.raises(ValueError, match=r"quantiles=.* between 0 and 1"):
        ForecastDisplay.from_estimator(detector, X, 3, quantiles=(0.1, 1.0))
    with pytest.raises(ValueError, match="horizon=0"):
        ForecastDisplay.from_estimator(detector, X, 0)
    with pytest.raises(ValueError, match="needs a detector with window"):
        ForecastDisplay.from_estimator(iris[1], iris[0], 3)


def test_rows_in_order_without_a_window(iris):
    X, detector = iris
    figure, axes = plt.subplots(2)
    display = AnomalyScoreDisplay.from_estimator(
        detector, X, channels=["petal length (cm)"], times=np.arange(150) * 10, axes=axes
    )
    assert display.figure_ is figure
    assert axes[0].get_ylabel() == "petal length (cm)"
    assert axes[1].lines[0].get_xdata()[-1] == 1490


def test_scores_are_drawn_in_the_order_of_times(iris):
    X, detector = iris
    display = AnomalyScoreDisplay.from_estimator(detector, X.sample(frac=1, random_state=0))
    np.testing.assert_array_equal(display.times, np.arange(150))
    np.testing.assert_allclose(display.scores, detector.score_samples(X), rtol=1e-6)


def test_explanation_bars_are_the_contributions(iris):
    X, detector = iris
    row = X[100:101]
    display = ExplanationDisplay.from_estimator(detector, row, n_features=3)
    widths = np.array([bar.get_width() for bar in display.ax_.patches])
    contributions = detector.explain(row)[0]
    np.testing.assert_array_equal(widths, np.sort(contributions)[::-1][:3])
    top = X.columns[contributions.argmax()]
    assert display.ax_.get_yticklabels()[0].get_text() == f"{top} = {row[top].iloc[0]:.4g}"


@pytest.mark.parametrize("n_classes", [2, 3])
def test_explanation_of_a_classifier_names_its_two_best_labels(n_classes):
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    X, names = X[y >= 3 - n_classes], names[y >= 3 - n_classes]
    classifier = ActivationLearningClassifier(random_state=0).fit(X, names)
    for i in (0, len(X) - 1):
        row = X[i : i + 1]
        display = ExplanationDisplay.from_estimator(classifier, row)
        second = classifier.classes_[np.argsort(classifier.predict_proba(row)[0])[-2]]
        assert (display.label, display.next_label) == (classifier.predict(row)[0], second)
        label = display.ax_.get_xlabel()
        assert label == f"activation for {display.label} rather than {second}"
        best = display.contributions.argmax()
        assert display.contributions[best] > 0
        bars = display.ax_.patches
        assert bars[best].get_facecolor() == matplotlib.colors.to_rgba("tab:blue")


def test_explanation_of_a_detector_is_of_lost_activation(iris):
    X, detector = iris
    display = ExplanationDisplay.from_estimator(detector, X[100:101])
    assert display.label is None
    assert display.ax_.get_xlabel() == "activation lost"
    bars = display.ax_.patches
    assert bars[0].get_facecolor() == matplotlib.colors.to_rgba("tab:red")


def test_landscape_holds_other_features_as_in_the_most_typical_row(iris):
    X, detector = iris
    display = ActivationLandscapeDisplay.from_estimator(
        detector, X, ("petal width (cm)", 0), grid_resolution=7, margin=0
    )
    row = X.iloc[[detector.score_samples(X).argmax()]].copy()
    row["petal width (cm)"] = X["petal width (cm)"].max()
    row["sepal length (cm)"] = X["sepal length (cm)"].min()
    np.testing.assert_allclose(display.activation[0, -1], detector.score_samples(row)[0])
    assert display.ax_.get_xlabel() == "petal width (cm)"
    assert display.threshold == detector.offset_


def test_displays_take_polars(iris):
    X, _ = iris
    X = polars.from_pandas(X)
    detector = ActivationAnomalyDetector(random_state=0).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        landscape = ActivationLandscapeDisplay.from_estimator(detector, X, grid_resolution=3)
        explanation = ExplanationDisplay.from_estimator(detector, X[:1])
        scores = AnomalyScoreDisplay.from_estimator(detector, X)
    assert landscape.names == X.columns[:2]
    assert set(explanation.names) == set(X.columns)
    assert scores.names == X.columns


def test_landscape_of_a_classifier_and_of_arrays():
    X, y = load_iris(return_X_y=True)
    classifier = ActivationLearningClassifier(random_state=0).fit(X, y)
    display = ActivationLandscapeDisplay.from_estimator(classifier, X, (2, 3), grid_resolution=5)
    assert display.threshold is None
    assert display.ax_.get_xlabel() == "column 2"
    again = display.plot()
    assert again is display


def test_bad_input_is_refused_with_the_reason(iris, series):
    X, detector = iris
    long, windowed = series
    with pytest.raises(NotFittedError):
        AnomalyScoreDisplay.from_estimator(ActivationAnomalyDetector(), X)
    with pytest.raises(ValueError, match="3 entries, but X has 150 rows"):
        AnomalyScoreDisplay.from_estimator(detector, X, times=[1, 2, 3])
    with pytest.raises(ValueError, match="No column 'colour'"):
        AnomalyScoreDisplay.from_estimator(detector, X, channels=["colour"])
    with pytest.raises(ValueError, match="Column 4 does not exist"):
        AnomalyScoreDisplay.from_estimator(detector, X, channels=[4])
    with pytest.raises(ValueError, match="5 are needed, 1 were given"):
        AnomalyScoreDisplay.from_estimator(detector, X, axes=plt.gca())
    with pytest.raises(ValueError, match="150 rows"):
        ExplanationDisplay.from_estimator(detector, X)
    with pytest.raises(ValueError, match="one-dimensional"):
        ExplanationDisplay.from_estimator(detector, X.iloc[0])
    with pytest.raises(ValueError, match="window"):
        ExplanationDisplay.from_estimator(windowed, long[:1])
    with pytest.raises(ValueError, match="two different ones"):
        ActivationLandscapeDisplay.from_estimator(detector, X, (1, 1))
    with pytest.raises(ValueError, match="no plane"):
        ActivationLandscapeDisplay.from_estimator(windowed, long)


def test_without_matplotlib_the_way_to_install_it_is_named(iris, monkeypatch):
    X, detector = iris
    plain = builtins.__import__

    def importing(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        ExplanationDisplay.from_estimator(detector, X[:1])


# -- pipelines and categories --------------------------------------------------------------


@pytest.fixture(scope="module")
def visits():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "pages": rng.poisson(5, 300).astype(float),
            "seconds": rng.lognormal(4, 0.5, 300),
            "browser": rng.choice(["firefox", "chrome"], 300),
        }
    )
    return X, ActivationAnomalyDetector(random_state=0).fit(X)


def test_displays_of_frames_with_categories(visits):
    X, detector = visits
    odd = X.head(1).assign(browser="lynx")
    display = ExplanationDisplay.from_estimator(detector, odd)
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert "browser = lynx" in labels
    drawn = AnomalyScoreDisplay.from_estimator(detector, X)
    assert [ax.get_ylabel() for ax in drawn.axes_] == [*X.columns, "activation"]
    browsers = drawn.axes_[2].lines[0].get_ydata()
    np.testing.assert_array_equal(browsers, X["browser"] == "firefox")
    for table in (X, polars.DataFrame({name: X[name].tolist() for name in X})):
        landscape = ActivationLandscapeDisplay.from_estimator(detector, table, grid_resolution=4)
        best = X.iloc[[detector.score_samples(X).argmax()]]
        corner = best.assign(pages=landscape.xx0[3, 3], seconds=landscape.xx1[3, 3])
        assert landscape.activation[3, 3] == pytest.approx(detector.score_samples(corner)[0])


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_displays_of_pipelines(iris, output):
    X, _ = iris
    pipeline = make_pipeline(StandardScaler(), ActivationAnomalyDetector(random_state=0))
    pipeline[0].set_output(transform=output)
    pipeline.fit(X)
    scores = pipeline[-1].score_samples(pipeline[:-1].transform(X))
    drawn = AnomalyScoreDisplay.from_estimator(pipeline, X)
    np.testing.assert_array_equal(drawn.axes_[-1].lines[0].get_ydata(), scores)
    np.testing.assert_array_equal(drawn.axes_[0].lines[0].get_ydata(), X.iloc[:, 0])
    display = ExplanationDisplay.from_estimator(pipeline, X.tail(1))
    assert set(display.names) == set(X.columns)
    expected = pipeline[-1].explain(pipeline[:-1].transform(X.tail(1)))[0]
    np.testing.assert_allclose(sorted(display.contributions), sorted(expected))
    landscape = ActivationLandscapeDisplay.from_estimator(
        pipeline, X, (X.columns[0], X.columns[2]), grid_resolution=4
    )
    assert landscape.names == [X.columns[0], X.columns[2]]


# -- frames with missing entries -----------------------------------------------------------


def lacking_entries():
    """Two columns of numbers that lack entries and one of booleans that does."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "count": pd.array(rng.poisson(9, 60), dtype="Int64"),
            "size": pd.array(rng.normal(5, 1, 60), dtype="Float64"),
            "open": pd.array(rng.random(60) < 0.5, dtype="boolean"),
        }
    )
    frame.iloc[4, 0] = frame.iloc[7, 1] = frame.iloc[9, 2] = frame.iloc[0, 0] = pd.NA
    return frame


LACKING = {
    "nullable": lambda frame: frame,
    "objects": lambda frame: frame.astype(object),
    "polars": lambda frame: polars.DataFrame(
        {name: [None if v is pd.NA else v for v in frame[name].tolist()] for name in frame}
    ),
    "pandas Arrow": lambda frame: arrow() and frame.convert_dtypes(dtype_backend="pyarrow"),
    "Arrow": lambda frame: arrow().Table.from_pandas(frame),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("categories", ["from_dtype", None])
@pytest.mark.parametrize("kind", LACKING)
def test_displays_of_frames_that_lack_entries(kind, categories):
    frame = lacking_entries()
    table = LACKING[kind](frame)
    options = {"categorical_features": categories, "n_frequencies": 16, "random_state": 0}
    detector = ActivationAnomalyDetector(**options).fit(table)
    drawn = AnomalyScoreDisplay.from_estimator(detector, table)
    for j, name in enumerate(frame):
        expected = frame[name].to_numpy(dtype=float, na_value=np.nan)
        np.testing.assert_array_equal(drawn.X[:, j], expected)
    shown = ExplanationDisplay.from_estimator(detector, table[:1])
    assert set(shown.names) == set(frame.columns)
    landscape = ActivationLandscapeDisplay.from_estimator(detector, table, grid_resolution=4)
    assert np.isfinite(landscape.activation).all() and np.isnan(landscape.rows[4, 0])


@pytest.mark.filterwarnings("error")
def test_an_event_in_a_frame_that_lacks_entries(series):
    X, detector = series
    lacking = X.astype("Float64")
    lacking.iloc[305, 1] = pd.NA
    display = EventDisplay.from_estimator(detector, lacking)
    assert np.isnan(display.X).sum() == 1


@pytest.mark.filterwarnings("error")
def test_landscapes_of_constant_and_of_unknown_columns():
    X = np.random.default_rng(0).normal(size=(60, 4))
    X[:, 1], X[:, 2], X[3, 0] = 7.0, np.nan, np.nan
    detector = ActivationAnomalyDetector(n_frequencies=16, random_state=0).fit(X)
    display = ActivationLandscapeDisplay.from_estimator(detector, X, grid_resolution=4)
    assert np.ptp(display.xx1) > 0
    for features in ((0, 2), (2, 3)):
        with pytest.raises(ValueError, match="Column 'column 2' has no known entry"):
            ActivationLandscapeDisplay.from_estimator(detector, X, features)
