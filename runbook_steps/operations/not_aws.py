"""Something answers where AWS should, and is not AWS."""

from __future__ import annotations

from botocore.parsers import ResponseParserError

__all__ = ["NOT_AWS"]

NOT_AWS = (ResponseParserError, LookupError, AttributeError, TypeError)
"""What botocore raises, or who reads its answers, where something answers that is not AWS: a portal, a proxy."""
