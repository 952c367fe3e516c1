"""What happens in the city, subject by subject: each module makes one month of records."""

from __future__ import annotations
