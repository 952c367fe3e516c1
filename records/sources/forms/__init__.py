"""The forms in which departments send files: CSV as spreadsheets save it, workbooks, JSON."""

from __future__ import annotations
