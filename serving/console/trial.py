"""Which live models are on trial, as every page says it."""

from __future__ import annotations

from fastapi import Request

from xinheng.models.promotions import Promotions
from xinheng.serving.console.words import Language, words


def trial_notes(request: Request, language: Language) -> list[str]:
    """A sentence a live version that is on trial, with the gates that it does not hold."""
    ledger: Promotions = request.app.state.promotions
    told = words(language)
    trials = ledger.trials()
    return [
        told["on_trial"].format(
            version=entry.version,
            gates=told["comma"].join(told.get(f"gate_{g}", g) for g in entry.failed_gates),
        )
        for entry in trials
    ]
