"""The nightly run: everyone, all models, part by part, so that it goes on where it stopped."""

from __future__ import annotations
