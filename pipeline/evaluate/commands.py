"""Command line: `wirefuse evaluate dedup|entities|incidents`."""

from __future__ import annotations

import click

from pipeline.evaluate.dedup import dedup_command
from pipeline.evaluate.entities import entities_command
from pipeline.evaluate.incidents import incidents_command


@click.group()
def evaluate() -> None:
    """Score a stage's decisions against labelled data."""


evaluate.add_command(dedup_command)
evaluate.add_command(entities_command)
evaluate.add_command(incidents_command)
