"""What is known of all other enterprises: rates of groups, neighbours and their states."""

from __future__ import annotations
