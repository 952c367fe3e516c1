"""The quality gate: 34 named checks over typed rows; each row gets one outcome and its reasons.

`checks.csv` says what each check asks, how grave it is and what its source is told. The modules
hold the conditions, by subject, in the order of domain README section 14: personal data, format
and key fields, identity, duplicates, logic, plausibility, batch.
"""

from __future__ import annotations
