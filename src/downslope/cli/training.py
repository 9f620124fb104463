"""The commands that train on files and predict from what was trained."""

from __future__ import annotations

import dataclasses
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from downslope.cli import completing
from downslope.cli.command import Command
from downslope.cli.files import PICTURES, check_place, say_saved, write
from downslope.cli.loading import loading
from downslope.cli.pictures import exit_status
from downslope.cli.watching import wait_for_the_end, watching
from downslope.errors import InvalidFile, InvalidInput

if TYPE_CHECKING:
    from downslope.training import Cluster, TrainingRun

_Data = Annotated[
    str, typer.Argument(metavar="DATA", help="A .parquet, .csv or .npy file, or a folder of files of one kind.")
]


def _option(metavar: str, words: str, **more: Any) -> Any:
    return Annotated[str | None, typer.Option(metavar=metavar, help=words, **more)]


def fit(
    data: _Data,
    target: _option("NAME", "The column to predict; of a .npy file its number, from 0.") = None,  # type: ignore[valid-type]
    weight: _option("NAME", "The column of the rows' weights.") = None,  # type: ignore[valid-type]
    features: _option("NAMES", "The columns to use, with commas between; all others without.") = None,  # type: ignore[valid-type]
    model: Annotated[str, typer.Option(metavar="NAME", help="linear, logistic, softmax or huber.")] = "linear",
    hidden_layers: _option("SIZES", "Make it a network with such hidden layers: 32,16.") = None,  # type: ignore[valid-type]
    activation: Annotated[str, typer.Option(metavar="NAME", help="relu, sigmoid or tanh.")] = "relu",
    batch_size: _option("N", "Rows a step; all of them without.") = None,  # type: ignore[valid-type]
    epochs: _option("N", "Passes over the rows.") = None,  # type: ignore[valid-type]
    method: Annotated[
        str, typer.Option(metavar="NAME", help="A name from `methods`.", autocompletion=completing.methods)
    ] = "gradient_descent",
    learning_rate: _option("RATE", "A number, or `find` for a range test first.") = None,  # type: ignore[valid-type]
    decay: _option("NUMBER", "Multiply the rate by this after each epoch.") = None,  # type: ignore[valid-type]
    beta: _option("NUMBER", "The momentum that is kept (momentum, nesterov).") = None,  # type: ignore[valid-type]
    validation: Annotated[str, typer.Option(metavar="SHARE", help="Of the rows, held out.")] = "0",
    early_stopping: _option("N", "End when the validation loss has not fallen for N epochs.") = None,  # type: ignore[valid-type]
    l1: Annotated[str, typer.Option(metavar="NUMBER", help="Penalty on sizes of weights.")] = "0",
    l2: Annotated[str, typer.Option(metavar="NUMBER", help="Penalty on half the squares of weights.")] = "0",
    clip_norm: _option("NUMBER", "Shorten longer gradients to this.") = None,  # type: ignore[valid-type]
    average_from: _option("EPOCH", "Average the weights from this epoch on.") = None,  # type: ignore[valid-type]
    sharpness: _option("N", "Measure the sharpness every N epochs.") = None,  # type: ignore[valid-type]
    seed: Annotated[str, typer.Option(metavar="N", help="Of the order of rows.")] = "0",
    no_shuffle: Annotated[bool, typer.Option("--no-shuffle", help="Keep the rows in their order.")] = False,
    checkpoint: _option("FOLDER", "Keep the state there, every half minute and at the end.") = None,  # type: ignore[valid-type]
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    save: _option("FILE", "Keep the run in this Parquet file, for `predict` and `show`.") = None,  # type: ignore[valid-type]
    plot: _option("FILE", "Draw a .png, .svg, .pdf or .jpg.") = None,  # type: ignore[valid-type]
    processes: _option("N", "Train in N processes: started here, or by torchrun, mpirun or srun.") = None,  # type: ignore[valid-type]
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow it in the browser, which stays until Ctrl-C; needs the extra lab.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    brief: Annotated[bool, typer.Option("--brief", help="Leave out why it went so.")] = False,
) -> None:
    """Train a model on a file, and say how it went and why."""
    with loading():
        from downslope import disk_cache, training
        from downslope.cli import reading

        disk_cache.switch_on()
    if plot is not None:
        check_place(plot, PICTURES, "plot")
    if save is not None:
        from downslope.storage.atomic_file import check_writable

        check_writable(save, "save")
    asked: dict[str, Any] = {
        "target": target,
        "weight": weight,
        "features": reading.names(features),
        "method": reading.method(method, reading.number("beta", beta)),
        "batch_size": reading.whole("batch_size", batch_size),
        "l1": reading.number("l1", l1),
        "l2": reading.number("l2", l2),
        "clip_norm": reading.number("clip_norm", clip_norm),
        "seed": reading.whole("seed", seed),
        "shuffle": not no_shuffle,
    }
    chosen = _model(model, hidden_layers, activation, asked["seed"] or 0)
    cluster = _joined(reading.whole("processes", processes))
    speaks = cluster is None or cluster.is_first
    quiet = as_json or not speaks
    rate, per = _rate(chosen, data, asked, learning_rate, reading.number("decay", decay), quiet)
    title = model if hidden_layers is None else f"{model} network of {hidden_layers}"
    with warnings.catch_warnings(), watching(f"{title} on {Path(data).name}", watch and speaks) as watched:
        warnings.simplefilter("ignore")  # a run's notes say the same
        try:
            run = training.fit(
                chosen,
                data,
                learning_rate=rate,
                schedule_per=per,
                validation=reading.number("validation", validation),
                epochs=reading.whole("epochs", epochs),
                early_stopping=reading.whole("early_stopping", early_stopping),
                average_from=reading.whole("average_from", average_from),
                sharpness=reading.whole("sharpness", sharpness),
                checkpoint=checkpoint,
                resume=resume,
                progress=watched.follow if watched else sys.stderr.isatty() and not as_json,
                cluster=None if cluster is None else True,
                **asked,
            )
        except InvalidFile as error:
            if error.run is not None and save is not None:
                error.run.save(save)
                say_saved(save)
            raise
        if not speaks:
            raise typer.Exit(exit_status(run))
        tell(run, data, as_json=as_json, brief=brief)
        if save is not None:
            run.save(save)
            say_saved(save)
        if plot is not None:
            write(run.plot(), plot)
        if watched:
            watched.end(run)
            wait_for_the_end()
    raise typer.Exit(exit_status(run))


def predict(
    path: Annotated[str, typer.Argument(metavar="RUN", help="What `fit --save` wrote.")],
    data: _Data,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="The probability of each class, in place of the likeliest.")
    ] = False,
    output: _option("FILE", "A .csv or .parquet file; without, a line a row is printed.") = None,  # type: ignore[valid-type]
) -> None:
    """Predict the rows of a file by a model that `fit --save` wrote."""
    with loading():
        from downslope.cli.predicting import check_output, predicted, written
        from downslope.storage import load

    if output is not None:
        check_output(output)
    run: Any = load(path)
    if getattr(run, "model", None) is None:
        raise InvalidInput("path", "must hold a training run, as `fit --save` writes it", path)
    written(predicted(run.model, data, probabilities), output)
    if output is not None:
        say_saved(output)


def _model(name: str, hidden_layers: str | None, activation: str, seed: int) -> Any:
    """A linear model by its name, or a network with that one's loss."""
    from downslope.cli import reading
    from downslope.errors import UnknownName
    from downslope.training import Network
    from downslope.training.models import NAMES

    if name not in NAMES:
        raise UnknownName("model", name, NAMES)
    linear = NAMES[name]()
    if hidden_layers is None:
        return linear
    sizes = [reading.whole("hidden_layer_sizes", size) or 0 for size in hidden_layers.split(",")]
    return Network(linear.loss, tuple(sizes), activation, seed=seed)


def _joined(n_processes: int | None) -> Cluster | None:
    """The processes that train together; this one starts them, and ends with them, where no launcher has."""
    if n_processes is None:
        return None
    from downslope import training
    from downslope.cli.processes import run_in_processes
    from downslope.training.launchers import place

    here = place()
    if n_processes < 1:
        raise InvalidInput("processes", "must be 1 or more", n_processes)
    if here is None:
        raise typer.Exit(run_in_processes(n_processes))
    if here.n_processes != n_processes:
        raise InvalidInput("processes", f"must be {here.n_processes}, as {here.launcher} started", n_processes)
    return training.join()


def _rate(model: Any, data: str, asked: dict[str, Any], text: str | None, decay: float | None, quiet: bool) -> Any:
    """The learning rate and what its schedule counts; found by a range test where that is asked for."""
    from downslope.cli import reading

    if text != "find":
        return reading.learning_rate(text, decay), "epoch" if decay is not None else "step"
    from downslope.learning_rates import GeometricDecay
    from downslope.training.range_test import find_learning_rate

    found = find_learning_rate(model, data, **asked)
    if found.suggestion is None:
        told = f"`learning_rate` find has found none: {found.reason}"
        raise InvalidInput("learning_rate", "must be a number", text, message=told)
    if not quiet:
        print(f"learning rate {found.suggestion:.4g}: {found.reason}")
    return (found.suggestion, "step") if decay is None else (GeometricDecay(found.suggestion, decay), "epoch")


def tell(run: TrainingRun, data: str | None, *, as_json: bool, brief: bool) -> None:
    """Print how a training went, and why."""
    from downslope.cli import as_json as json_of
    from downslope.cli import showing
    from downslope.stopping import Status

    if as_json:
        json_of.print_run(run, False)
        return
    showing.training(run, data)
    if not brief and run.status is not Status.INTERRUPTED:
        print()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = run.explain()
        showing.explanation(dataclasses.replace(found, sentences=_not_yet_told(found.sentences, run.notes)))


def _not_yet_told(sentences: tuple[str, ...], notes: tuple[str, ...]) -> tuple[str, ...]:
    """The sentences that are no notes, which were printed above."""
    from downslope.wording import capital

    told = {f"{capital(note)}." for note in notes}
    return tuple(sentence for sentence in sentences if sentence not in told)


def register(app: typer.Typer, epilog: str) -> None:
    """Add the commands to the program."""
    app.command(cls=Command, epilog=epilog)(fit)
    app.command(cls=Command, epilog=epilog)(predict)
