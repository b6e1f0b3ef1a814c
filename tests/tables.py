"""Real tables, and one with words and gaps: scikit-learn's figures beside those of `examples/tables.rs`.

    pip install scikit-learn pandas
    python tests/tables.py FOLDER 50                           # writes the tables as CSV files, prints the figures;
                                                               # names after the number: of these tables alone
    cargo run --release --example tables -- FOLDER 50          # the same recipe here, with as many seeds
    python tests/tables.py FOLDER compare                      # the differences, from the scores that both have left

Both: five folds, stratified for classes; one hidden layer of 32 ReLU units, Adam with rate 0.001, batches of 32, 100
epochs without early stopping, no weight decay, weights and biases by Glorot's uniform distribution; inputs (and targets of
a regression) standardised, gaps filled with the median.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
warnings.filterwarnings("ignore")


def passengers():
    """Like the list of the Titanic, drawn at random: words, and gaps in words and numbers."""
    rng = np.random.default_rng(1)
    n = 900
    sex = rng.choice(["female", "male"], n, p=[0.35, 0.65])
    cabin = rng.choice(["first", "second", "third"], n, p=[0.25, 0.2, 0.55])
    port = rng.choice(["Cherbourg", "Queenstown", "Southampton"], n, p=[0.2, 0.1, 0.7])
    age = np.clip(rng.normal(30, 14, n), 0.5, 80).round(1)
    fare = (rng.lognormal(2, 0.6, n) * np.select([cabin == "first", cabin == "second"], [6, 2], 1)).round(2)
    logit = 2.6 * (sex == "female") + 1.1 * (cabin == "first") - 1.1 * (cabin == "third") - 0.035 * (age - 30) - 1
    target = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "yes", "no")
    table = pd.DataFrame({"sex": sex, "cabin": cabin, "port": port, "age": age, "fare": fare, "target": target})
    table.loc[rng.random(n) < 0.2, "age"] = np.nan
    table.loc[rng.random(n) < 0.02, "port"] = np.nan
    return table


def tables():
    for name, load in [("iris", datasets.load_iris), ("wine", datasets.load_wine),
                       ("breast-cancer", datasets.load_breast_cancer), ("digits", datasets.load_digits),
                       ("diabetes", datasets.load_diabetes)]:
        data = load(as_frame=True)
        table = data.data.copy()
        table["target"] = data.target if name == "diabetes" else ["class " + str(k) for k in data.target]
        yield name, table
    yield "passengers", passengers()


def compare():
    """The median over the seeds here less scikit-learn's, with a 95 % interval from 20,000 bootstrap samples."""
    def read(who):
        lines = [line.split() for line in open(folder / f"{who}.scores")]
        return {name: np.array(scores, dtype=float) for name, *scores in lines}
    ours, theirs = read("chainrule"), read("scikit-learn")
    rng = np.random.default_rng(1)
    for name in sorted(ours.keys() & theirs.keys()):
        a, b = ours[name], theirs[name]
        resampled = [np.median(rng.choice(x, (20_000, len(x))), axis=1) for x in (a, b)]
        low, high = np.quantile(resampled[0] - resampled[1], [0.025, 0.975])
        error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
        print(f"{name:13}  medians {np.median(a):.4f} {np.median(b):.4f}, difference {np.median(a) - np.median(b):+.4f} "
              f"[{low:+.4f}, {high:+.4f}]; means {a.mean():.4f} {b.mean():.4f}, difference {a.mean() - b.mean():+.4f} "
              f"± {1.96 * error:.4f}")


if sys.argv[2:] == ["compare"]:
    compare()
    sys.exit()
seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
for name, table in tables():
    table.to_csv(folder / f"{name}.csv", index=False)
    if sys.argv[3:] and name not in sys.argv[3:]:
        continue
    x, y = table.drop(columns="target"), table["target"]
    numbers = x.select_dtypes("number").columns
    words = [column for column in x.columns if column not in numbers]
    prepare = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ("words", make_pipeline(SimpleImputer(strategy="constant", fill_value="unknown"),
                                OneHotEncoder(handle_unknown="ignore")), words),
    ])
    scores = []
    for seed in range(seeds):
        recipe = dict(hidden_layer_sizes=(32,), learning_rate_init=1e-3, batch_size=32, max_iter=100, alpha=0,
                      tol=0, n_iter_no_change=1000, random_state=seed)
        if name == "diabetes":
            network = TransformedTargetRegressor(MLPRegressor(**recipe), transformer=StandardScaler())
            folds, scoring = KFold(5, shuffle=True, random_state=seed), "neg_root_mean_squared_error"
        else:
            network, folds, scoring = MLPClassifier(**recipe), StratifiedKFold(5, shuffle=True, random_state=seed), "accuracy"
        scores.append(abs(cross_val_score(make_pipeline(prepare, network), x, y, cv=folds, scoring=scoring).mean()))
    print(f"{name:13}  {min(scores):.4f} / {np.median(scores):.4f} / {max(scores):.4f}", flush=True)
    with open(folder / "scikit-learn.scores", "a") as file:
        print(name, *scores, file=file)
