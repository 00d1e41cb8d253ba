"""`wirefuse train`: everything that ships and was learned from data, made anew."""

from __future__ import annotations

from pipeline.entities.commands import train
from pipeline.incidents.train import train_command

train.add_command(train_command, "incidents")

__all__ = ["train"]
