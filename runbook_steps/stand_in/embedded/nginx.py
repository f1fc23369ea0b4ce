"""nginx in front of the API slots: TLS, retries on the next slot, a request limit, blocked addresses."""

from __future__ import annotations

import contextlib
import grp
import http.client
import os
import pwd
import re
import signal
import time
from collections.abc import Collection, Mapping

import psutil

from runbook_steps.stand_in.embedded.binaries import nginx_program
from runbook_steps.stand_in.embedded.layout import API_SLOTS, DEFAULT_SLOTS, Layout
from runbook_steps.stand_in.embedded.service import NotReady, Service, http_status
from runbook_steps.stand_in.embedded.tls import write_certificates

__all__ = ["asked_mark", "forget_clients", "nginx_service", "reload_nginx", "write_upstream"]

# Slots are never marked as failed (max_fails=0): with all of them marked, nginx would answer 502 of its own
# for a while, where the API's own 503 tells more. Addresses of clients come from X-Forwarded-For, as behind
# production's load balancer, so that a drill can play an attacker.
_CONFIG = """\
{user}worker_processes 1;
daemon off;
pid nginx.pid;
error_log {prefix}/logs/error.log warn;
events {{ worker_connections 512; }}
http {{
    log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                     '"$http_referer" "$http_user_agent" rt=$request_time uct="$upstream_connect_time" '
                     'urt="$upstream_response_time" ua="$upstream_addr" us="$upstream_status" '
                     'id=$request_id';
    access_log {prefix}/logs/access.log timed;
    client_body_temp_path temp/body;
    proxy_temp_path temp/proxy;
    fastcgi_temp_path temp/fastcgi;
    uwsgi_temp_path temp/uwsgi;
    scgi_temp_path temp/scgi;
    server_tokens off;
    keepalive_timeout 15s;
    types {{ application/json json; text/html html; text/plain txt; }}
    default_type application/octet-stream;
    gzip on;
    gzip_min_length 256;
    gzip_types application/json text/plain;

    set_real_ip_from 127.0.0.1;
    real_ip_header X-Forwarded-For;
    include limits.d/*.conf;
    include blocked.d/*.conf;

    upstream api {{
        include upstream.d/*.conf;
        keepalive 8;
    }}

    server {{
        listen 127.0.0.1:{port} ssl;
        server_name localhost;
        ssl_certificate {tls}/server.pem;
        ssl_certificate_key {tls}/server.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:1m;
        client_max_body_size 10m;

        location = /metrics {{ return 404; }}  # of each slot, for Prometheus inside; not for the world

        location / {{
            proxy_pass http://api;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Request-Id $request_id;
            proxy_connect_timeout 2s;
            proxy_read_timeout 30s;
            proxy_next_upstream error timeout http_502 http_503 http_504;
            proxy_next_upstream_tries 3;
            proxy_next_upstream_timeout 10s;
        }}
    }}
}}
"""
_LIMIT = """\
limit_req_zone $binary_remote_addr zone=api:1024k rate={rate}r/m;
limit_req zone=api burst={burst} nodelay;
"""
_ZONE_SIZES = ("1024k", "1028k")  # of whole pages, both
_LEAST_BURST = 20  # a page and what it loads
_BLOCKED = "# one `deny ADDRESS;` a line, then `nginx -t && nginx -s reload`\n"


def nginx_service(layout: Layout, environment: Mapping[str, str]) -> Service:
    """The proxy of the run. Raises NotRunnableHere when there is no nginx on this machine."""
    prefix = str(layout.nginx)

    def ready() -> None:
        try:
            http_status(layout.ports["nginx"], "/api/health", ca=layout.ca_bundle)
        except http.client.HTTPException as error:
            raise NotReady(f"GET /api/health: {error!r}") from error

    return Service(
        name="nginx",
        argv=(
            str(nginx_program()), "-p", prefix, "-c", f"{prefix}/nginx.conf",
            "-e", f"{prefix}/logs/error.log",
        ),
        cwd=layout.nginx,
        environment=environment,
        prepare=lambda: _prepare(layout),
        ready=ready,
        needs=("api",),
        stop_signal=signal.SIGQUIT,  # finishes the requests it has
    )  # fmt: skip


def _prepare(layout: Layout) -> None:
    prefix = layout.nginx
    prefix.mkdir(mode=0o700, exist_ok=True)
    for folder in ("logs", "temp", "blocked.d", "limits.d", "upstream.d"):
        (prefix / folder).mkdir(mode=0o700, exist_ok=True)
    if layout.account is not None:  # the workers get to their temporary files, to nothing else
        for path in (prefix, prefix / "temp"):
            os.chown(path, -1, layout.account[1])
            path.chmod(0o710)
    if not layout.ca_bundle.exists():
        write_certificates(layout.ca_bundle.parent)
    _once(layout, "limits.d/api.conf", _limit(layout.rate_limit))
    _once(layout, "blocked.d/blocked.conf", _BLOCKED)
    if not (prefix / "upstream.d" / "slots.conf").exists():
        write_upstream(layout, API_SLOTS[:DEFAULT_SLOTS])
    _once(layout, "nginx.conf", _render(layout))


def _limit(rate: int) -> str:
    """A tenth of a minute's requests may come at once. What is too much is refused as nginx does it by itself: 503."""
    return _LIMIT.format(rate=rate, burst=max(_LEAST_BURST, rate // 10))


def _once(layout: Layout, name: str, text: str) -> None:
    """What a page has changed stays as it is over a restart."""
    file = layout.nginx / name
    if not file.exists():
        file.write_text(text, "utf-8")


def _render(layout: Layout) -> str:
    user = ""
    if layout.account is not None:
        uid, gid = layout.account
        user = f"user {pwd.getpwuid(uid).pw_name} {grp.getgrgid(gid).gr_name};\n"
    return _CONFIG.format(user=user, prefix=layout.nginx, port=layout.ports["nginx"], tls=layout.ca_bundle.parent)


def write_upstream(layout: Layout, slots: Collection[str]) -> bool:
    """Names the API slots to the proxy; True when that changed something, so that it wants a reload."""
    folder = layout.nginx / "upstream.d"
    if not folder.is_dir():
        return False
    file = folder / "slots.conf"
    # who takes a slot out of service puts it back in: a new container of it stays out until then
    before = file.read_text("utf-8") if file.exists() else ""
    out = {slot for slot in API_SLOTS if re.search(rf"^\s*server .* down;\s+# {slot}$", before, re.MULTILINE)}
    rows = {slot: " down" if slot in out else "" for slot in API_SLOTS if slot in out or slot in set(slots)}
    if not set(rows) - out:
        rows = dict.fromkeys(rows, "")
    text = "".join(
        f"server 127.0.0.1:{layout.ports[slot]} max_fails=0{down};  # {slot}\n" for slot, down in rows.items()
    )
    if not text or (file.exists() and file.read_text("utf-8") == text):
        return False
    file.write_text(text, "utf-8")
    return True


def forget_clients(layout: Layout) -> bool:
    """Gives the limit an empty zone from the next reload on; True when that is wanted now.

    nginx keeps a zone over a reload unless its size is another. Rate and burst stay, also as a page has changed them.
    """
    file = layout.nginx / "limits.d" / "api.conf"
    before = file.read_text("utf-8") if file.exists() else ""
    sizes = dict(zip(_ZONE_SIZES, reversed(_ZONE_SIZES), strict=True))
    text = re.sub(rf"(?<=zone=api:)({'|'.join(sizes)})\b", lambda found: sizes[found[1]], before)
    if text == before:
        return False
    file.write_text(text, "utf-8")
    return True


def asked_mark(layout: Layout) -> tuple[int, ...] | None:
    """Another one when the proxy was asked since: what its log of requests is; None where there is no such log."""
    try:
        seen = (layout.nginx / "logs" / "access.log").stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


def reload_nginx(pid: int, *, limit_s: float = 20.0) -> None:
    """Reloads and returns when no worker takes requests with the old configuration any more."""
    old = set(_serving(pid))
    os.kill(pid, signal.SIGHUP)
    end = time.monotonic() + limit_s
    while old & set(_serving(pid)) and time.monotonic() < end:
        time.sleep(0.01)


def _serving(pid: int) -> list[int]:
    workers = []
    with contextlib.suppress(psutil.Error):
        for worker in psutil.Process(pid).children():
            with contextlib.suppress(psutil.Error):
                if "shutting down" not in " ".join(worker.cmdline()):
                    workers.append(worker.pid)
    return workers
