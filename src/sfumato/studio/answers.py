"""Parts of answers that all rooms have in common."""

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sfumato.errors import InputError
from sfumato.storage import dump
from sfumato.studio.training_options import field_of


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


def told_error(request: Request, error: Exception) -> Response:
    """The answer for an error: a line that the page shows, and the name of the setting that it is about."""
    if isinstance(error, HTTPException):
        values, status = {"error": "there is no such thing here"}, error.status_code
    else:
        text = " ".join(str(error).split())
        field, status = field_of(text), 400
        values = {"error": text, **({"field": field} if field else {})}
    return Response(json.dumps(values), status, media_type="application/json")
