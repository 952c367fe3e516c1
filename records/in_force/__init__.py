"""Which records are in force at a moment: one predicate for everything that counts or warns."""
