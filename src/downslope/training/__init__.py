"""Models trained on data: one descent, where the loss is an average over rows."""

from __future__ import annotations

from downslope.training.cluster import Cluster
from downslope.training.constant_columns import ConstantColumns
from downslope.training.fitting import fit
from downslope.training.joining import join
from downslope.training.losses import Huber, Logistic, Loss, Softmax, SquaredError
from downslope.training.models import Batch, Linear, Model
from downslope.training.networks import Network
from downslope.training.record import Epoch
from downslope.training.scaling import UnscaledFeatures
from downslope.training.slices import LossSlice, loss_slice
from downslope.training.training_run import TrainingRun

__all__ = [
    "Batch",
    "Cluster",
    "ConstantColumns",
    "Epoch",
    "Huber",
    "Linear",
    "Logistic",
    "Loss",
    "LossSlice",
    "Model",
    "Network",
    "Softmax",
    "SquaredError",
    "TrainingRun",
    "UnscaledFeatures",
    "fit",
    "join",
    "loss_slice",
]
