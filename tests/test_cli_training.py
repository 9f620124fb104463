"""`downslope fit` and `downslope predict`: from a file to a model and back."""

import json
import os

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

import downslope
from downslope.training.loop import Training

rng = np.random.default_rng(5)
X = rng.normal(size=(600, 2))
WARM = X @ [1.0, -2.0] + 0.5 + 0.5 * rng.logistic(size=600) > 0


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    columns = {"wind": X[:, 0], "sun": X[:, 1], "warm": WARM.astype(int), "word": np.where(WARM, "warm", "cold")}
    parquet.write_table(pa.table(columns), "data.parquet")
    return pa.table(columns)


FIT = ("fit", "data.parquet", "--target", "warm", "--features", "wind,sun", "--model", "logistic")


@pytest.mark.slow
def test_fit_trains_what_the_library_trains(run_cli, table):
    status, out, err = run_cli(
        *(*FIT, "--batch-size", "50", "--epochs", "3", "--method", "momentum", "--learning-rate", "0.1"),
        *("--validation", "0.1", "--seed", "4", "--save", "run.parquet"),
    )
    assert status == 0
    assert err == "saved to run.parquet\n"
    lines = out.splitlines()
    assert lines[0] == (
        "logistic regression on 540 rows of 2 features of data.parquet by momentum (beta 0.9), learning rate 0.1, "
        "batches of 50"
    )
    assert lines[1] == "MAX_STEPS after 33 steps: all steps were made."
    peer = downslope.fit(
        "logistic",
        (X, WARM.astype(float)),
        batch_size=50,
        epochs=3,
        method="momentum",
        learning_rate=0.1,
        validation=0.1,
        seed=4,
    )
    assert f"loss = {peer.loss:.6g}" in lines[2]
    np.testing.assert_array_equal(downslope.load("run.parquet").losses, peer.losses)
    assert lines[4].split() == ["epoch", "steps", "training", "loss", "validation", "loss", "rate", "rows/s"]
    assert [line.split()[0] for line in lines[5:8]] == ["1", "2", "3"]
    assert "The sharpness is" in out


@pytest.mark.slow
def test_one_feature_is_counted_as_one(run_cli, table):
    status, out, _ = run_cli(*FIT[:4], "--features", "wind", *FIT[6:], "--epochs", "2")
    assert status == 0
    assert "rows of 1 feature of data.parquet" in out


@pytest.mark.slow
def test_the_order_of_rows_is_the_same_wherever_they_lie(run_cli, table):
    csv.write_csv(table, "data.csv")
    options = ("--batch-size", "50", "--epochs", "2", "--learning-rate", "0.1", "--json")
    losses = {json.loads(run_cli("fit", name, *FIT[2:], *options)[1])["loss"] for name in ("data.parquet", "data.csv")}
    frame = table.to_pandas()[["wind", "sun", "warm"]]
    losses.add(downslope.fit("logistic", frame, target="warm", batch_size=50, epochs=2, learning_rate=0.1).loss)
    assert len(losses) == 1


@pytest.mark.slow
def test_predict_takes_the_features_by_their_names(run_cli, table):
    words = (
        "--target",
        "word",
        "--features",
        "sun,wind",
        "--model",
        "logistic",
        "--epochs",
        "30",
        "--save",
        "r.parquet",
    )
    assert run_cli("fit", "data.parquet", *words, "--brief")[0] == 0
    run = downslope.load("r.parquet")
    expected = run.model.predict(X[:, ::-1]).tolist()
    status, out, _ = run_cli("predict", "r.parquet", "data.parquet")
    assert (status, out.splitlines()) == (0, expected)
    assert set(expected) == {"warm", "cold"}
    status, out, err = run_cli("predict", "r.parquet", "data.parquet", "--probabilities", "--output", "p.parquet")
    assert (status, out, err) == (0, "", "saved to p.parquet\n")
    found = parquet.read_table("p.parquet")
    assert found.column_names == ["probability cold", "probability warm"]
    np.testing.assert_allclose(found["probability warm"], run.model.probabilities(X[:, ::-1])[:, 1], rtol=1e-12)
    run_cli("predict", "r.parquet", "data.parquet", "--output", "p.csv")
    assert csv.read_csv("p.csv")["prediction"].to_pylist() == expected


def test_a_fit_is_resumed_from_its_folder(run_cli, table):
    options = (*FIT, "--batch-size", "50", "--learning-rate", "0.1", "--json")
    whole = json.loads(run_cli(*options, "--epochs", "4")[1])
    run_cli(*options, "--epochs", "2", "--checkpoint", "kept")
    status, _, err = run_cli(*options, "--epochs", "4", "--checkpoint", "kept")
    assert status == 2
    assert "--checkpoint must be a folder without a checkpoint of an earlier run" in err
    assert "; resuming goes on from it" in err
    resumed = json.loads(run_cli(*options, "--epochs", "4", "--checkpoint", "kept", "--resume")[1])
    assert resumed["x"] == whole["x"]
    assert [epoch["training_loss"] for epoch in resumed["epochs"]] == [e["training_loss"] for e in whole["epochs"]]


def test_a_resume_that_cannot_go_on_is_told(run_cli, table):
    options = (*FIT, "--batch-size", "50", "--learning-rate", "0.1", "--checkpoint", "kept", "--resume", "--brief")
    note = "note: there was no checkpoint in kept: begun at the start"
    assert note in run_cli(*options, "--epochs", "3")[1]
    status, out, _ = run_cli(*options, "--epochs", "3")
    assert status == 0
    assert note not in out
    assert "note: the run in kept had ended: there was nothing to go on with" in out
    status, out, err = run_cli(*options, "--epochs", "2")
    assert (status, out) == (2, "")
    assert err == "error: --epochs must be 3 or more: the run that is resumed has made 36 steps; got 2.\n"


@pytest.mark.slow
def test_networks_and_found_rates(run_cli, table):
    status, out, _ = run_cli(
        *(*FIT, "--hidden-layers", "8", "--activation", "tanh", "--batch-size", "50", "--epochs", "2"),
        *("--learning-rate", "find", "--brief"),
    )
    assert status == 0
    assert out.startswith("learning rate ")
    assert "network 8, logistic on 600 rows" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--target", "heat"), "error: --target must be one of"),
        (("--target", "word", "--model", "linear", "--features", "wind,word"), "word"),
        (("--target", "warm", "--batch-size", "0"), "error: --batch-size must be a whole number, 1 or more"),
        (("--target", "warm", "--model", "logit"), "error: --model must be one of"),
        (("--target", "warm", "--validation", "2"), "error: --validation must be a share of the rows"),
        (("--target", "warm", "--early-stopping", "2"), "error: --early-stopping needs validation data"),
        (("--target", "wind", "--features", "sun", "--model", "logistic"), "the logistic loss takes 0 or 1"),
        (("--features", "sun,wind"), "must have a target"),
        (
            ("--target", "warm", "--features", "wind,sun", "--resume"),
            "error: --resume needs a checkpoint folder to go on from.\n",
        ),
    ],
)
def test_mistakes_are_told_by_the_options_name(run_cli, table, words, message):
    status, out, err = run_cli("fit", "data.parquet", *words)
    assert (status, out) == (2, "")
    assert message in err


def test_a_run_that_diverges_exits_with_3(run_cli, table):
    status, out, _ = run_cli(
        *FIT[:4], "--features", "wind,sun", "--batch-size", "20", "--learning-rate", "50", "--brief"
    )
    assert status == 3
    assert out.splitlines()[1].startswith("DIVERGED after")


@pytest.mark.parametrize("target", ["x3", "2", "-1"])
def test_a_column_of_an_array_is_chosen_by_its_name_or_number(run_cli, tmp_path, monkeypatch, target):
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", np.column_stack([X, X @ [1.0, -2.0] + 0.5]))
    status, out, err = run_cli("fit", "rows.npy", "--target", target, "--json")
    assert (status, err) == (0, "")
    exact = {"bias": 0.5, "x1": 1.0, "x2": -2.0}
    assert json.loads(out)["x"] == pytest.approx(exact, abs=1e-4)


def test_a_column_that_an_array_does_not_have_is_told(run_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", X)
    status, _, err = run_cli("fit", "rows.npy", "--target", "2")
    assert (status, err) == (2, "error: --target must be one of the 2 columns of rows.npy; got 2.\n")


@pytest.mark.slow
def test_a_picture_is_told_of_once(run_cli, table):
    status, _, err = run_cli(*FIT, "--epochs", "5", "--plot", "q.png", "--brief")
    assert (status, err) == (0, "saved to q.png\n")


def test_predict_tells_which_column_is_missing(run_cli, table):
    assert run_cli(*FIT, "--epochs", "5", "--save", "run.parquet", "--brief")[0] == 0
    parquet.write_table(table.select(["wind", "warm"]), "less.parquet")
    status, out, err = run_cli("predict", "run.parquet", "less.parquet")
    assert (status, out) == (2, "")
    words = "must have the column 'sun', which the model was trained on; its columns are wind, warm."
    assert err.endswith(words.replace("wind, warm", "warm, wind") + "\n")


def test_which_word_is_which_class_is_told(run_cli, table):
    options = ("--target", "word", "--features", "wind,sun", "--epochs", "5", "--brief")
    status, out, _ = run_cli("fit", "data.parquet", *options, "--model", "logistic", columns=200)
    assert status == 0
    assert "note: the target 'word' is of words, which count as classes: 'cold' is 0, 'warm' is 1\n" in out
    status, _, err = run_cli("fit", "data.parquet", *options, "--model", "huber")
    assert status == 2
    assert "column 'word'" in err
    assert "is 'cold', and huber takes numbers: take the logistic loss" in err


def test_what_a_note_told_is_not_said_again(run_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", np.column_stack([X * [1, 1000], X @ [1.0, -2.0]]))
    options = "--target x3 --batch-size 50 --epochs 2 --learning-rate 0.05"
    status, out, _ = run_cli("fit", "rows.npy", *options.split())
    assert status == 3
    assert out.count("condition number") == 1


def test_a_saved_training_is_shown_as_fit_showed_it(run_cli, table):
    words = "--batch-size", "50", "--epochs", "12", "--learning-rate", "0.1", "--save", "run.parquet"
    _, fitted, _ = run_cli(*FIT, *words)
    _, shown, _ = run_cli("show", "run.parquet")
    epochs, why = fitted.split("\n\n")[1:3]
    assert shown.split("\n\n")[1] == epochs
    assert shown.split("\n\n")[2].splitlines()[0] == why.splitlines()[0]
    assert "sharpness" not in epochs  # which was not measured, and is no empty column
    status, _, err = run_cli("show", "run.parquet", "--replay")
    assert (status, "--replay needs the rows" in err) == (2, True)


def test_where_no_rate_is_found_it_says_that_the_features_are_not_scaled(run_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parquet.write_table(pa.table({"a": X[:, 0], "b": 1e5 * X[:, 1], "y": X @ [1.0, 2.0]}), "rows.parquet")
    status, _, err = run_cli("fit", "rows.parquet", "--target", "y", "--learning-rate", "find")
    assert status == 2
    assert "the loss rose from the smallest of its rates on, 1e-06: the features are not scaled" in " ".join(
        err.split()
    )


def test_predict_refuses_what_is_no_training(run_cli, table):
    downslope.minimize("x^2", 5.0).save("other.parquet")
    status, _, err = run_cli("predict", "other.parquet", "data.parquet")
    assert status == 2
    assert "must hold a training run" in err


def test_of_a_file_that_is_damaged_meanwhile_the_steps_before_are_saved(run_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in (("sources.kept.KEPT_NUMBERS", 0), ("order.MOST_BLOCK_ROWS", 16), ("batches.CHUNK_NUMBERS", 1)):
        monkeypatch.setattr(f"downslope.training.{name}", value)  # read again in each epoch, and in small pieces
    np.save("rows.npy", np.column_stack([X, WARM]))
    goes_on = Training._epoch_ends

    def cut_short(training, feed):
        os.truncate("rows.npy", 2048)
        return goes_on(training, feed)

    monkeypatch.setattr(Training, "_epoch_ends", cut_short)
    options = "--target x3 --batch-size 50 --epochs 3 --learning-rate 0.1 --save run.parquet"
    status, out, err = run_cli("fit", "rows.npy", *options.split())
    assert (status, out) == (2, "")
    assert "saved to run.parquet" in err
    assert "rows.npy" in err
    run = downslope.load("run.parquet")
    assert 12 <= run.n_steps < 36  # the first epoch's, and not all
    assert run.status.name == "INTERRUPTED"
