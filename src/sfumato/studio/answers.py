"""Parts of answers that all rooms have in common."""

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sfumato.errors import InputError
from sfumato.storage import dump
from sfumato.studio.wording import told_error


def found(value: Any) -> Any:
    """The value, unless there is none.

    Raises:
        HTTPException: then.
    """
    if value is None:
        raise HTTPException(404)
    return value


async def json_body(request: Request) -> Any:
    """The request's body, read as JSON.

    Raises:
        InputError: if it is none.
    """
    try:
        return await request.json()
    except (ValueError, RecursionError):
        raise InputError("the request is not JSON") from None


def json_response(values: dict[str, Any]) -> Response:
    """The answer of these values, as JSON."""
    return Response(dump(values), media_type="application/json")


def error_response(request: Request, error: Exception) -> Response:
    """The answer for an error: a line that the page shows, and the name of the setting that it is about, if any."""
    if isinstance(error, HTTPException):
        told, status = {"error": "there is no such thing here"}, error.status_code
    else:
        told, status = told_error(error), 400
    return Response(json.dumps(told), status, media_type="application/json")
