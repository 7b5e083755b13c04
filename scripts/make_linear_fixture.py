#!/usr/bin/env python3
"""Writes tests/fixtures/linear.json: small problems solved by scikit-learn's LogisticRegression, to which `model: linear`
must agree. Needs numpy and scikit-learn (made with 1.9.1):  python3 scripts/make_linear_fixture.py > tests/fixtures/linear.json"""
import json
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression

random = np.random.default_rng(5)
warnings.simplefilter("error")  # a fit that does not converge is no reference


def problem(name, n, features, classes, C, class_weight, label_of=None):
    """label_of: classes that occur; the others exist, but have no training row."""
    occurring = label_of or list(range(classes))
    label = np.array([occurring[i % len(occurring)] for i in range(n - n // 3)] + [occurring[0]] * (n // 3))
    centre = random.normal(size=(classes, features))
    x = np.round(centre[label] * 0.7 + random.normal(size=(n, features)), 3)
    test = np.round(random.normal(size=(12, features)) * 1.5, 3)
    model = LogisticRegression(C=C, class_weight=class_weight, tol=1e-12, max_iter=100000)
    model.fit(x, label)
    coef, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn's binary model has one row: as a softmax it is -+ half of it
        coef, intercept = np.vstack([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2
    return {"name": name, "C": C, "class_weight": class_weight if isinstance(class_weight, str) else
            [class_weight[c] for c in range(classes)] if class_weight else None,
            "classes": classes, "occurring": [int(c) for c in model.classes_], "x": x.tolist(), "label": label.tolist(),
            "coef": coef.tolist(), "intercept": intercept.tolist(), "test": test.tolist(),
            "probability": model.predict_proba(test).tolist(), "predicted": model.predict(test).tolist()}


print(json.dumps({"about": "scikit-learn LogisticRegression (multinomial, lbfgs, tol 1e-12); see scripts/make_linear_fixture.py",
                  "problems": [
                      problem("plain", 40, 5, 3, 1.0, None),
                      problem("balanced, strong penalty", 60, 8, 4, 0.1, "balanced"),
                      problem("listed weights", 45, 4, 3, 10.0, {0: 0.5, 1: 2.0, 2: 1.0}),
                      problem("more features than rows", 24, 40, 4, 0.5, "balanced"),
                      problem("a class without rows", 40, 5, 5, 1.0, "balanced", [0, 1, 3]),
                      problem("two classes", 40, 5, 2, 0.3, "balanced"),
                  ]}))
