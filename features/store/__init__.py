"""The two faces of the feature store: history for training, the latest vector for serving."""

from __future__ import annotations
