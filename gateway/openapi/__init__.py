"""The HTTP face of the gateway as an OpenAPI 3.1 document, built from the structs on the wire.

``python -m gateway.openapi`` writes it as YAML; ``docs/openapi.yaml`` is what it wrote last.
"""

from gateway.openapi.document import build
from gateway.openapi.emitter import emit

__all__ = ["build", "emit"]
