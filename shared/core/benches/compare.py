"""The report's language steps beside the Python originals, on the same texts in the same run.

Run: pip install vaderSentiment==3.3.2 scikit-learn
     cargo build -p insights-core --example nlp      (the library is compiled at opt-level 3 in the dev profile)
     python shared/core/benches/compare.py target/debug/examples/nlp TEXTS
where TEXTS is a file with a text a line. Prints a table of seconds, says how many polarities differ, and fails if one
does, or if the inertia is off by more than one per cent.
"""

import json
import pathlib
import subprocess
import sys
import time

from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

PATTERN = r"(?u)\b[^\W\d_]{2,}\b"


def timed(work):
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def main():
    binary, path = sys.argv[1], pathlib.Path(sys.argv[2])
    texts = [line for line in path.read_text(encoding="utf-8").split("\n") if line]
    given = "\n".join(texts) + "\n"

    def run(task):
        return subprocess.run([binary, task], input=given.encode(), capture_output=True, check=True).stdout.decode()

    own = [tuple(map(float, line.split("\t"))) for line in run("polarity").splitlines()]
    figures = min((json.loads(run("time")) for _ in range(3)), key=lambda it: it["vader_seconds"])
    stop_words = run("stop-words").split()

    analyzer = SentimentIntensityAnalyzer()
    said, vader = timed(lambda: [analyzer.polarity_scores(text) for text in texts])
    differ = [text for text, ours, theirs in zip(texts, own, said)
              if ours != (theirs["compound"], theirs["pos"], theirs["neu"], theirs["neg"])]
    vectorizer = TfidfVectorizer(token_pattern=PATTERN, stop_words=stop_words, max_features=500, min_df=2, max_df=0.95)
    matrix, tfidf = timed(lambda: vectorizer.fit_transform(texts))
    model, kmeans = timed(lambda: KMeans(n_clusters=5, n_init=10, random_state=42).fit(matrix))

    print(f"{len(texts)} texts; {len(differ)} polarities differ; inertia {figures['inertia']:.4f}, original {model.inertia_:.4f}")
    print(f"{'step':<8} {'here, s':>10} {'Python, s':>10} {'times':>7}")
    for name, seconds in (("vader", vader), ("tfidf", tfidf), ("kmeans", kmeans)):
        ours = figures[f"{name}_seconds"]
        print(f"{name:<8} {ours:>10.4f} {seconds:>10.4f} {seconds / ours:>7.1f}")
    print(f"VADER: {len(texts) / figures['vader_seconds']:,.0f} texts a second here, {len(texts) / vader:,.0f} in Python")
    for text in differ[:5]:
        print("differs:", text)
    sys.exit(bool(differ) or abs(figures["inertia"] / model.inertia_ - 1) > 0.01)


main()
