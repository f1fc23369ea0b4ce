"""The files that the services of a foreign staging read, as their manuals write them. Text only."""

from __future__ import annotations

from pathlib import Path

from tests.foreign_staging.variation import Addresses, Variation

__all__ = ["API_ARGUMENTS", "APPLICATION", "hba", "nginx", "pgbouncer", "postgresql", "redis", "redis_acl"]

APPLICATION = "salon_api"  # the name of the application where Redis knows names
API_ARGUMENTS = ("-m", "runbook_steps.stand_in.reference_api")


def postgresql(folder: Path, variation: Variation, addresses: Addresses) -> str:
    """Added to Debian's own defaults."""
    return f"""
listen_addresses = '{variation.loopback}'
port = {addresses.postgres}
unix_socket_directories = '{folder}'
ssl = on
ssl_cert_file = '{folder}/server.pem'
ssl_key_file = '{folder}/server.key'
password_encryption = 'scram-sha-256'
shared_preload_libraries = 'pg_stat_statements'
log_statement = 'all'
log_line_prefix = '%m [%p] %u@%d %a '
fsync = off
max_connections = 60
lc_messages = '{variation.messages}'
{variation.postgres_settings}
"""


def hba(variation: Variation) -> str:
    """TLS only, unless the variation does without."""
    kind = "host" if variation.sslmode == "disable" else "hostssl"
    return f"local all all scram-sha-256\n{kind} all all samehost scram-sha-256\n"


def pgbouncer(folder: Path, variation: Variation, addresses: Addresses) -> str:
    """Start-up parameters that it cannot keep are ignored, as poolers in front of ORMs do."""
    return f"""[databases]
* = host={variation.loopback} port={addresses.postgres}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {addresses.pooler}
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = {variation.pool_mode}
default_pool_size = 10
ignore_startup_parameters = {variation.ignored}
server_tls_sslmode = verify-full
server_tls_ca_file = {folder}/ca.pem
unix_socket_dir =
pidfile = {folder}/pgbouncer.pid
"""


def redis(folder: Path, variation: Variation, addresses: Addresses, password: str) -> str:
    """With a memory limit and no eviction: what is in it must not be lost."""
    ports = (
        f"port 0\ntls-port {addresses.redis}\ntls-cert-file {folder}/server.pem\ntls-key-file {folder}/server.key\n"
        f"tls-ca-cert-file {folder}/ca.pem\ntls-auth-clients no\n"
        if variation.redis_tls
        else f"port {0 if variation.redis_socket else addresses.redis}\n"
    )
    if variation.redis_socket:
        ports += f"unixsocket {folder}/redis.sock\nunixsocketperm 777\n"
    limit = f"maxmemory {variation.redis_memory}\n" if variation.redis_memory else ""
    limit += f"maxmemory-policy {variation.redis_policy}\n"
    renamed = "".join(f'rename-command {name} ""\n' for name in variation.redis_renamed.split())
    who = f"aclfile {folder}/users.acl\n" if variation.redis_user else f"requirepass {password}\n"
    return f'bind {variation.loopback}\n{ports}{who}save ""\n{limit}{renamed}dir {folder}\n'


def redis_acl(variation: Variation, password: str) -> str:
    """One named user for the tool, with its rules, and the application's; nobody else gets in."""
    users = {variation.redis_user: variation.redis_rules, APPLICATION: "~* &* +@all"}
    return "user default off\n" + "".join(f"user {name} on >{password} {rules}\n" for name, rules in users.items())


FORMATS = {
    "json": """  log_format told escape=json '{"time":"$time_iso8601","remote_addr":"$remote_addr",'
    '"request":"$request","status":"$status","bytes":"$body_bytes_sent","agent":"$http_user_agent"}';
""",
    "vhost": """  log_format told '$host:$server_port $remote_addr - $remote_user [$time_local] "$request" '
    '$status $body_bytes_sent "$http_referer" "$http_user_agent"';
""",
}
_SECOND_SITE = """  server {{
    listen {host}:{port} ssl default_server;
    server_name www.salon.example;
    ssl_certificate {folder}/tls/fullchain.pem;
    ssl_certificate_key {folder}/tls/privkey.pem;
    location / {{ return 200 "a page of marketing\\n"; }}
  }}
"""


def nginx(folder: Path, variation: Variation, addresses: Addresses, *, account: str = "") -> str:
    """A proxy with TLS, its sites in a folder."""
    host = variation.url_host
    upstream = "".join(f"    server {host}:{port};\n" for port in addresses.slots)
    format_ = FORMATS.get(variation.access_log, "")
    other = _SECOND_SITE.format(host=host, port=addresses.nginx, folder=folder) if variation.second_site else ""
    user = f"user {account};\n" if account else ""
    asked = f'auth_basic "staging"; auth_basic_user_file {folder}/users;' if variation.proxy_password else ""
    return f"""{user}worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/logs/error.log warn;
events {{ worker_connections 256; }}
http {{
{format_}  access_log {folder}/logs/access.log{" told" if format_ else ""};
  client_body_temp_path {folder}/temp/body;
  proxy_temp_path {folder}/temp/proxy;
  fastcgi_temp_path {folder}/temp/fastcgi;
  uwsgi_temp_path {folder}/temp/uwsgi;
  scgi_temp_path {folder}/temp/scgi;
  gzip on;
  gzip_types application/json;
  include {folder}/conf.d/*.conf;
  upstream backend {{
{upstream}  }}
{other}  server {{
    listen {host}:{addresses.nginx} ssl;
    server_name localhost [::1];
    ssl_certificate {folder}/tls/fullchain.pem;
    ssl_certificate_key {folder}/tls/privkey.pem;
    {asked}
    location {variation.path}/ {{
      proxy_pass http://backend{"/" if variation.path else ""};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
    }}
  }}
}}
"""
