"""API v1: parse, call one thing, answer."""

from __future__ import annotations
