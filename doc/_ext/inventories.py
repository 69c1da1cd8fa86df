"""Links to the documentation of scikit-learn, NumPy and pandas, without a network.

``NAMES`` lists what the pages and docstrings of this site refer to. A build writes an inventory
of those names for each project, and intersphinx reads that file instead of downloading one.
To link to another name, add the name here; tests/test_site.py checks that it can be imported.
"""

import zlib
from pathlib import Path

# Address of a project's documentation, and of the page of one name there.
PROJECTS = {
    "sklearn": ("https://scikit-learn.org/stable", "modules/generated/{name}.html"),
    "numpy": ("https://numpy.org/doc/stable", "reference/generated/{name}.html"),
    "pandas": ("https://pandas.pydata.org/docs", "reference/api/{name}.html"),
}
NAMES = {
    "class": (
        "sklearn.decomposition.PCA",
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "sklearn.ensemble.IsolationForest",
        "sklearn.ensemble.RandomForestClassifier",
        "sklearn.impute.IterativeImputer",
        "sklearn.impute.KNNImputer",
        "sklearn.impute.SimpleImputer",
        "sklearn.linear_model.LogisticRegression",
        "sklearn.model_selection.GridSearchCV",
        "sklearn.model_selection.StratifiedKFold",
        "sklearn.model_selection.TunedThresholdClassifierCV",
        "sklearn.neighbors.LocalOutlierFactor",
        "sklearn.neural_network.MLPClassifier",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing.MinMaxScaler",
        "sklearn.preprocessing.OneHotEncoder",
        "sklearn.preprocessing.StandardScaler",
        "sklearn.svm.OneClassSVM",
        "sklearn.svm.SVC",
        "numpy.ndarray",
        "pandas.DataFrame",
        "pandas.DatetimeIndex",
        "pandas.Series",
    ),
    "function": (
        "sklearn.metrics.average_precision_score",
        "sklearn.metrics.precision_recall_curve",
        "sklearn.metrics.roc_auc_score",
        "sklearn.model_selection.cross_val_score",
        "numpy.cos",
        "numpy.quantile",
        "numpy.where",
        "pandas.get_dummies",
        "pandas.read_csv",
        "pandas.to_datetime",
    ),
    "method": (
        "pandas.DataFrame.asfreq",
        "pandas.DataFrame.replace",
        "pandas.DataFrame.resample",
    ),
}


def write(folder):
    """Write an inventory for each project, and return intersphinx's mapping to them."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for project, (address, page) in PROJECTS.items():
        path = folder / f"{project}.inv"
        path.write_bytes(inventory(project, page))
        mapping[project] = (address, str(path))
    return mapping


def inventory(project, page):
    """A Sphinx inventory of version 2: four lines of head, then compressed lines of names."""
    head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
    head += "# The remainder of this file is compressed using zlib.\n"
    lines = [
        f"{name} py:{kind} 1 {page.format(name=name)}#$ -\n"
        for kind, names in NAMES.items()
        for name in names
        if name.split(".")[0] == project
    ]
    return head.encode() + zlib.compress("".join(lines).encode())
