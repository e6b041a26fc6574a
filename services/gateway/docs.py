"""The page of the API: Swagger UI, served from here, so that it works without internet."""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

PAGE, DOCUMENT, ASSETS = "/api/docs", "/api/openapi.json", "/api/docs/assets"

# Nothing but our own files; Swagger UI sets styles of single elements and draws its icons from data URIs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HTML = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Atrium API</title>
<link rel="stylesheet" href="{ASSETS}/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="page"></div>
<script src="{ASSETS}/swagger-ui-bundle.js"></script>
<script src="{PAGE}/start.js"></script>
</body>
</html>
"""
_START = f"""SwaggerUIBundle({{
  url: "{DOCUMENT}", dom_id: "#page", deepLinking: true, persistAuthorization: false, tryItOutEnabled: true, validatorUrl: null,
}});
"""


def add_docs(app: FastAPI) -> None:
    """The page, its script, its assets, and the document that it shows."""

    async def page(request: Request) -> Response:
        headers = {"content-security-policy": _POLICY, "referrer-policy": "no-referrer", "cache-control": "no-cache"}
        return Response(_HTML, media_type="text/html", headers=headers)

    async def start(request: Request) -> Response:
        return Response(_START, media_type="text/javascript", headers={"cache-control": "no-cache"})

    async def document(request: Request) -> Response:
        return Response(to_json(app.openapi()), media_type="application/json", headers={"cache-control": "no-cache"})

    for path, endpoint in ((PAGE, page), (f"{PAGE}/start.js", start), (DOCUMENT, document)):
        app.router.add_route(path, endpoint, methods=["GET"], include_in_schema=False)
    app.mount(ASSETS, StaticFiles(directory=_assets()))


def _assets() -> Path:
    return Path(str(files("fastapi_offline") / "static"))
