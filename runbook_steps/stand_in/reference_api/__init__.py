"""The reference BeautyCort API: small, real, and what every drill breaks and repairs.

It exists so that a runbook can be proven without production: same endpoints, same data model, same health
report, same logs, on a real PostgreSQL, a real Redis and stand-ins for the third parties.
"""
