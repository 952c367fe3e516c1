"""Alerts and class changes leave the house: signed, in order, again until they are received."""

from __future__ import annotations
