"""Accuracy with defaults on the tables that scikit-learn ships, 5-fold, scaled."""

import warnings

import numpy as np
from _common import Report, argument_parser
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_activation import ActivationLearningClassifier

LOADERS = {
    "iris": load_iris,
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
}


def main():
    args = argument_parser(__doc__, "one shuffling instead of five").parse_args()
    report = Report("small", quick=args.quick)
    for name, load in LOADERS.items():
        X, y = load(return_X_y=True)
        accuracy = {}
        for seed in range(1 if args.quick else 5):
            folds = StratifiedKFold(5, shuffle=True, random_state=seed)
            for method, classifier in {
                "ActivationLearningClassifier": ActivationLearningClassifier(random_state=seed),
                "the same, feedback=False": ActivationLearningClassifier(
                    feedback=False, random_state=seed
                ),
                "LogisticRegression": LogisticRegression(max_iter=1000),
                "SVC": SVC(),
                "MLPClassifier": MLPClassifier(max_iter=1000, random_state=seed),
            }.items():
                model = make_pipeline(StandardScaler(), classifier)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    scores = cross_val_score(model, X, y, cv=folds)
                accuracy.setdefault(method, []).append(100 * scores.mean())
        for method, values in accuracy.items():
            report.add(f"{name}, 5-fold", method, np.array(values), "% accuracy")


if __name__ == "__main__":
    main()
