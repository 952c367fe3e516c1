"""Personal data: what it looks like, where it must not stand, and what is kept of it instead.

Nothing that arrives is read, stored or quoted before it has passed here (domain README, section 14:
QC33 comes first). `patterns.toml` holds the kinds and their forms.
"""

from __future__ import annotations
