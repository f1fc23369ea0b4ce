"""What S3's client raises, as errors of ours: a reason, and neither request, URL nor credentials."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError
from urllib3.exceptions import HTTPError

from runbook_steps.engine.errors import ConfigurationError, OperationError
from runbook_steps.operations.settings import Unreachable

__all__ = ["Denied", "Missing", "s3_errors"]


class Missing(OperationError):
    """An object that is not there."""


class Denied(OperationError):
    """Something that this account may not do."""


@contextmanager
def s3_errors(what: str) -> Iterator[None]:
    """Raises Missing, Denied, OperationError, ConfigurationError or Unreachable in place of what was raised."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        if code in {"NoSuchKey", "404", "NoSuchUpload"}:
            raise Missing(f"cannot {what}: it is not there") from error
        if code in {"AccessDenied", "403", "AllAccessDisabled", "MethodNotAllowed"}:
            raise Denied(f"cannot {what}: S3 answers {code}") from error
        raise OperationError(f"cannot {what}: S3 answers {code}") from error
    except ParamValidationError as error:
        raise ConfigurationError(f"cannot {what}: that is no name of a bucket or a backup") from error
    except NoCredentialsError as error:
        raise ConfigurationError(f"cannot {what}: no AWS credentials are set") from error
    except (BotoCoreError, HTTPError) as error:
        raise Unreachable(f"cannot {what}: {type(error).__name__}, is S3 reachable?") from error
    except OSError as error:
        raise OperationError(f"cannot {what}: {error.strerror or type(error).__name__}") from error
    except Exception as error:
        from botocore.parsers import ResponseParserError  # noqa: PLC0415 - it is there since an answer was parsed

        if isinstance(error, (ResponseParserError, RecursionError)):  # a redirect that leads nowhere, for ever
            raise OperationError(f"cannot {what}: what answers is not S3") from error
        raise
