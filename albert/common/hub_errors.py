"""What the hub's client raises, as one line each that says what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import cast

LOG_IN = "log in with `hf auth login` or pass token="
OFFLINE_ADVICE = (
    "connect once without HF_HUB_OFFLINE and local_files_only, or give a folder"
)


class HubUnreachableError(ConnectionError):
    """The hub gave no answer, or only that it is not working now."""


def explained(
    name: str, revision: str | None, token: object, instead: str
) -> Callable[[], AbstractContextManager[None]]:
    """Make a context that turns the errors of the hub's client into clear ones.

    Args:
        name: the repository, as the user called it.
        revision: what is asked for; None for "main".
        token: never shown, should an error's text hold it.
        instead: what to do if the hub cannot be had.

    Returns:
        The context's maker. Inside the context call the client; what it raises
        becomes a kind of OSError with one line that says what to do.
    """

    @contextmanager
    def context() -> Generator[None]:
        from huggingface_hub import errors

        # The base class of httpx' errors, whatever name this release has it under.
        network = cast("type[Exception]", errors.HfHubHTTPError.__mro__[1])
        try:
            yield
        except errors.LocalTokenNotFoundError:
            raise PermissionError(
                f"token=True asks for this machine's token, and it has none: {LOG_IN}."
            ) from None
        # The last two come, too, when one file cannot be had or sent; the reason stands
        # in their cause, except that hf_xet knows no other error than RuntimeError.
        except (
            network,
            ConnectionError,
            TimeoutError,
            errors.LocalEntryNotFoundError,
            RuntimeError,
        ) as error:
            wraps = isinstance(error, (errors.LocalEntryNotFoundError, RuntimeError))
            cause = error.__cause__ if wraps else None
            found = cause if isinstance(cause, Exception) else error
            raise _translated(found, name, revision, token, instead) from None

    return context


def _translated(
    error: Exception, name: str, revision: str | None, token: object, instead: str
) -> OSError:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return PermissionError(
            f"{name!r} is gated: accept its terms at {_page(error, name)}, then "
            f"{LOG_IN}.{_said(error, token)}"
        )
    status = getattr(getattr(error, "response", None), "status_code", None)
    bare = type(error) is errors.HfHubHTTPError
    if isinstance(error, errors.RepositoryNotFoundError) or (bare and status == 404):
        return FileNotFoundError(
            f"{name!r} is neither a folder on this machine nor a repository that you "
            f"can see on the hub: check the name, and if it is private, {LOG_IN}."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return FileNotFoundError(
            f"{name!r} has no revision {revision or 'main'!r} on the hub: give a "
            f"branch, a tag or a commit of it."
        )
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return FileNotFoundError(
            f"a file of {name!r} is not there at revision {revision or 'main'!r}: "
            f"try again, or give another revision."
        )
    if isinstance(error, errors.HfHubHTTPError):
        return _refused(error, name, token, instead)
    return _unreachable(error, name, token, instead)


def _refused(error: OSError, name: str, token: object, instead: str) -> OSError:
    status: int = getattr(error, "response").status_code  # noqa: B009
    said = _said(error, token)
    if status == 401:
        return PermissionError(
            f"the hub wants a valid token for {name!r}: {LOG_IN}.{said}"
        )
    if status == 403:
        return PermissionError(
            f"the hub refuses access to {name!r}: {LOG_IN}, with a token that may do "
            f"this.{said}"
        )
    if status == 429 or status >= 500:
        return HubUnreachableError(
            f"the hub answered {status} for {name!r}: try again later, or "
            f"{instead}.{said}"
        )
    return OSError(f"the hub answered {status} for {name!r}.{said}")


def _unreachable(error: Exception, name: str, token: object, instead: str) -> OSError:
    from huggingface_hub import constants

    text = _one_line(str(error), token)
    reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return HubUnreachableError(
        f"the hub at {constants.ENDPOINT} cannot be reached for {name!r}: check the "
        f"connection, or {instead} ({reason})."
    )


def _page(error: Exception, name: str) -> str:
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{getattr(error, 'repo_id', None) or name}"


def _said(error: Exception, token: object) -> str:
    text = _one_line(getattr(error, "server_message", None) or "", token)
    return f" The hub says: {text}" if text else ""


def _one_line(text: str, token: object) -> str:
    text = re.sub(r"Bearer\s.*", "Bearer ***", " ".join(text.split()))
    if isinstance(token, str) and token:
        text = text.replace(token, "***")
    return re.sub(r"\bhf_\w{8,}", "hf_***", text)[:300]
