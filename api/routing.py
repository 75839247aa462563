"""Routers of the API proper: all below ``/api/v1``, all strict about query parameters."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from api.parameters import refuse_unknown_parameters

API = "/api/v1"


def api_router(path: str, tag: str) -> APIRouter:
    """A router for one capability below :data:`API`."""
    return APIRouter(
        prefix=API + path, tags=[tag], dependencies=[Depends(refuse_unknown_parameters)]
    )
