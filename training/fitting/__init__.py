"""From rows to a calibrated, named version of a model."""

from __future__ import annotations
