"""Configurations of nginx: nchan, and a static file; one worker each."""

from __future__ import annotations

import os
from pathlib import Path

_COMMON = """
{modules}
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections {files}; }}
http {{
  access_log off;
  default_type application/json;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {http}
}}
"""
_NCHAN = """
  nchan_max_reserved_memory 64m;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /push {{
      nchan_subscriber websocket;
      nchan_channel_id edge;
      nchan_subscriber_first_message newest;
    }}
    location = /publish {{
      nchan_publisher http;
      nchan_channel_id edge;
      nchan_message_buffer_length 1;
    }}
  }}
"""
_STATIC = """
  sendfile on;
  tcp_nopush on;
  etag on;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  open_file_cache max=16 inactive=600s;
  open_file_cache_valid 600s;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {root};
  }}
"""
NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
FILES = 19_900


def nchan_configuration(folder: Path, port: int) -> Path:
    """Write one of nchan: subscribers by WebSocket at /push, messages by POST at /publish."""
    return _write(folder, _NCHAN.format(port=port), f"load_module {NCHAN_MODULE};")


def static_configuration(folder: Path, port: int, root: Path) -> Path:
    """Write one of a folder of static files."""
    return _write(folder, _STATIC.format(port=port, root=root), "")


def command(folder: Path, configuration: Path) -> list[str | Path]:
    """Say how nginx is started."""
    return ["nginx", "-p", folder, "-e", folder / "nginx.log", "-c", configuration]


def _write(folder: Path, http: str, modules: str) -> Path:
    user = "user root;" if os.geteuid() == 0 else ""  # the temporary folder is ours alone
    target = folder / "nginx.conf"
    target.write_text(
        _COMMON.format(modules=modules, user=user, files=FILES, folder=folder, http=http)
    )
    return target
