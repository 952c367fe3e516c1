"""xinheng models: the model owner's commands."""

from __future__ import annotations

from xinheng.commands.models.control import models

__all__ = ["models"]
