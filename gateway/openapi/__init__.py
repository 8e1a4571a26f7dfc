"""The HTTP face of the gateway as an OpenAPI 3.1 document, built from the structs on the wire.

``make openapi`` writes it to ``docs/openapi.yaml``.
"""

from gateway.openapi.document import build
from gateway.openapi.emitter import emit

__all__ = ["build", "emit"]
