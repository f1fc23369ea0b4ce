"""The guard of a run: one relay before each service, in a thread of its own, and the environment that leads there."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from runbook_steps.engine.errors import TargetError
from runbook_steps.engine.guards.kernel import lockdown
from runbook_steps.engine.guards.services.addresses import parameters_of
from runbook_steps.engine.guards.services.aws_credentials import (
    AwsSource,
    guarded_variables,
    source_of,
    without_sources,
)
from runbook_steps.engine.guards.services.aws_policy import aws_policy
from runbook_steps.engine.guards.services.aws_signing import AwsSigner
from runbook_steps.engine.guards.services.guarded_environment import Origin, rewritten, with_readonly_role
from runbook_steps.engine.guards.services.http_message import CannotBeAsked, host_of
from runbook_steps.engine.guards.services.http_policy import APPLICATION
from runbook_steps.engine.guards.services.http_relay import HttpRelay, aws_refusal, kubernetes_refusal
from runbook_steps.engine.guards.services.kubeconfig import Cluster, guarded_kubeconfig, read_kubeconfig
from runbook_steps.engine.guards.services.kubernetes_credentials import Credential
from runbook_steps.engine.guards.services.kubernetes_policy import KUBERNETES
from runbook_steps.engine.guards.services.listening import Listener, Relay
from runbook_steps.engine.guards.services.postgres_relay import PostgresRelay
from runbook_steps.engine.guards.services.postgres_session import Way
from runbook_steps.engine.guards.services.postgres_tls import ways_to
from runbook_steps.engine.guards.services.redis_relay import RedisRelay
from runbook_steps.engine.guards.services.sql_child import SqlParser
from runbook_steps.engine.guards.services.streams import Refusal, Upstream
from runbook_steps.engine.guards.services.tls_mirror import Mirror
from runbook_steps.engine.model import Risk

__all__ = ["Guard", "also_writing", "can_lock_down", "lock_words"]

_END_S = 10.0
_CA_VARIABLES = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_GIVES_CREDENTIALS = ("169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23")
"""Where a machine, a container or a pod of AWS gets credentials of its own, which lead past the guard:
https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html."""
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def can_lock_down() -> bool:
    """Whether this kernel can hold a command to what it may write, connect to and signal."""
    return lockdown.lockable()


def lock_words() -> tuple[str, ...]:
    """What to tell of this machine's lock: what it lacks, or holds in one way only; nothing when all is there."""
    if lacking := lockdown.lacking():
        return (f"this machine lacks {lacking}: read-only procedures do not run on a live target from here",)
    return tuple(
        f"{what}: held by the overseer alone, this kernel does not hold it as well"
        for what in lockdown.held_by_overseer_alone()
    )


def also_writing(prefix: Sequence[str], path: str) -> tuple[str, ...]:
    """A prefix of `Guard.prefix` that lets the command write there too; as it is when nothing holds the command."""
    if not prefix:
        return ()
    spec = json.loads(prefix[-1])
    if "write" not in spec:
        return tuple(prefix)  # it may write anywhere
    return (*prefix[:-1], json.dumps({**spec, "write": [*spec["write"], path]}))


class Guard:
    """Lets through what a risk permits. Made once per risk and run; `close` ends its thread."""

    def __init__(self, risk: Risk, folder: Path, marks: Sequence[str] = ()) -> None:
        """`folder` is private to the run: certificates are kept there. Nothing listens yet.

        `marks` are patterns of keys in a store that may be overwritten and removed at `mutating`.
        """
        self.risk = risk
        self._folder = folder
        self._report = folder / "refused.jsonl"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"guard-{risk}", daemon=True)
        self._listeners: dict[Origin, Listener] = {}
        self._refusals: list[Refusal] = []
        self._mirror: Mirror | None = None
        self._aws: AwsSource | None = None
        self._cluster: Cluster | None = None
        self._parser = SqlParser()
        self._aws_policy = aws_policy(marks)
        self._thread.start()

    def environment(self, real: Mapping[str, str]) -> dict[str, str]:
        """The environment of a guarded command: every service is behind the guard, which opens as needed."""
        if self.risk is Risk.READONLY:
            real = with_readonly_role(real)
        guarded = rewritten(real, lambda origin: self._port(origin, real))
        self._aws = self._aws or source_of(real)
        if self._aws is not None:
            guarded = without_sources(guarded) | guarded_variables(self._signing_port(self._aws, real))
            if self._aws.region and not real.get("AWS_REGION"):
                guarded |= {"AWS_REGION": self._aws.region, "AWS_DEFAULT_REGION": self._aws.region}
        if real.get("KUBECONFIG"):
            guarded["KUBECONFIG"] = str(self._kubeconfig(real))
        if self._mirror is not None:
            guarded |= dict.fromkeys(_CA_VARIABLES, str(self._mirror.bundle))
        return {name: value for name, value in guarded.items() if name not in _PROXIES}

    def prefix(self, writable: Sequence[Path], hidden: Sequence[Path], sockets: Sequence[Path]) -> tuple[str, ...]:
        """What to put before a command so that the kernel holds it: it may write only there, and only see the rest."""
        spec = {
            "write": [str(path) for path in writable],
            "hide": [str(path) for path in hidden],
            "ports": [listener.port for listener in self._listeners.values()],
            "sockets": [str(path) for path in sockets],
            "report": str(self._report),
        }
        return _locked(spec)

    def prefix_of_changes(self) -> tuple[str, ...]:
        """What to put before a command that may change things: it reaches the services through the guard alone."""
        past = [(origin.host, origin.port) for origin in self._listeners if origin.port]
        if any(origin.kind == "aws" for origin in self._listeners):
            past += [(host, 80) for host in _GIVES_CREDENTIALS]
        ports = [listener.port for listener in self._listeners.values()]
        return _locked({"past": past, "ports": ports, "report": str(self._report)})

    def take_refusals(self, elsewhere: str = "") -> tuple[Refusal, ...]:
        """What was refused since the last time it was asked, by the guard, the overseers, and whoever writes there."""
        taken = tuple(self._refusals)
        del self._refusals[: len(taken)]
        return taken + self._taken_from(self._report) + (self._taken_from(Path(elsewhere)) if elsewhere else ())

    def _taken_from(self, report: Path) -> tuple[Refusal, ...]:
        try:
            lines = report.read_text("utf-8").splitlines()
            report.unlink()
        except FileNotFoundError:
            return ()
        return tuple(Refusal(*json.loads(line)) for line in lines)

    def close(self) -> None:
        """Ends every relay and the thread; idempotent."""
        if self._loop.is_closed():
            return
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(_end_everything_else(), self._loop).result(timeout=_END_S)
            asyncio.run_coroutine_threadsafe(self._parser.close(), self._loop).result(timeout=_END_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_END_S)
        if not self._thread.is_alive():
            self._loop.close()

    def _port(self, origin: Origin, real: Mapping[str, str]) -> int:
        if origin not in self._listeners:
            self._listen(origin, self._relay(origin, real))
        return self._listeners[origin].port

    def _listen(self, origin: Origin, relay: Relay) -> None:
        try:
            listener = Listener(relay, lambda what: self._refusals.append(Refusal(origin.name, what)))
        except OSError as error:
            raise TargetError(f"the guard of {origin.name} cannot listen: {error}") from error
        asyncio.run_coroutine_threadsafe(listener.accept(), self._loop)
        self._listeners[origin] = listener

    def _signing_port(self, source: AwsSource, real: Mapping[str, str]) -> int:
        """Where the requests to AWS itself are judged, signed and sent on."""
        origin = Origin("aws", "amazonaws.com", 443, "yes", "AWS")
        if origin not in self._listeners:
            tls = ssl.create_default_context()
            if trusted := real.get("SSL_CERT_FILE"):
                tls.load_verify_locations(trusted)
            signer = AwsSigner(source.keys, lambda scope: Upstream(scope.host, 443, tls))
            nowhere, tell = Upstream("", 0), self._refusals.append  # each request says where it goes
            self._listen(
                origin, HttpRelay("AWS", nowhere, self._aws_policy, self.risk, tell, signer=signer, refusal=aws_refusal)
            )
        return self._listeners[origin].port

    def _kubeconfig(self, real: Mapping[str, str]) -> Path:
        """One that leads here. What cannot be guarded is said by the guard to whoever asks the cluster."""
        guarded = self._folder / "kubeconfig"
        credentials = {name: value for name, value in real.items() if name.startswith("AWS_") and value}
        try:
            self._cluster = cluster = self._cluster or read_kubeconfig(
                real["KUBECONFIG"], real.get("KUBE_CONTEXT", ""), self._folder, credentials
            )
            origin = Origin("kubernetes", cluster.host, cluster.port, "yes" if cluster.tls else "", "Kubernetes")
            relay = self._kubernetes(Upstream(cluster.host, cluster.port, cluster.tls, cluster.tls_name), cluster)
        except ValueError as error:
            cluster, origin = None, Origin("kubernetes", f"not to be guarded: {error}", 0, "", "Kubernetes")
            relay = self._kubernetes(Upstream("", 0), _cannot(str(error)))
        if origin not in self._listeners:
            self._listen(origin, relay)
        guarded.write_text(guarded_kubeconfig(cluster, self._listeners[origin].port), encoding="utf-8")
        return guarded

    def _kubernetes(self, upstream: Upstream, cluster: Cluster | Credential) -> Relay:
        tell = self._refusals.append
        if isinstance(cluster, Cluster):
            host = (("Host", host_of(cluster.host, cluster.port)),)
            known = cluster.credential

            def extra() -> tuple[tuple[str, str], ...]:
                return (*host, *known())
        else:
            extra = cluster
        return HttpRelay("Kubernetes", upstream, KUBERNETES, self.risk, tell, extra=extra, refusal=kubernetes_refusal)

    def _relay(self, origin: Origin, real: Mapping[str, str]) -> Relay:
        tell = self._refusals.append
        trusted = real.get("SSL_CERT_FILE") or None
        if origin.kind == "postgres":
            upstream = Upstream(origin.host, origin.port, tls_name=origin.server)
            known = tuple(parameters_of(origin, real))
            return PostgresRelay(upstream, _ways(origin, trusted), self.risk, tell, self._parser, addresses=known)
        if origin.kind == "redis":
            return RedisRelay(Upstream(origin.host, origin.port, _tls_of_redis(origin, trusted)), self.risk, tell)
        policy, refusal = (self._aws_policy, aws_refusal) if origin.kind == "aws" else (APPLICATION, None)
        mirror = self._the_mirror(trusted) if origin.tls else None
        upstream = Upstream(origin.host, origin.port, _unverified() if origin.tls else None)
        standard = origin.port == (443 if origin.tls else 80)
        extra = (("Host", host_of(origin.host, 0 if standard else origin.port)),)
        return HttpRelay(origin.name, upstream, policy, self.risk, tell, mirror, extra=lambda: extra, refusal=refusal)

    def _the_mirror(self, trusted: str | None) -> Mirror:
        if self._mirror is None:
            # a target that was started without its TLS part has not made its CA yet
            known = Path(trusted) if trusted and Path(trusted).is_file() else None
            self._mirror = Mirror(self._folder, known)
        return self._mirror


def _locked(spec: Mapping[str, object]) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", str(Path(lockdown.__file__)), json.dumps(spec))


def _cannot(why: str) -> Credential:
    def credential() -> tuple[tuple[str, str], ...]:
        raise CannotBeAsked(why)

    return credential


async def _end_everything_else() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _unverified() -> ssl.SSLContext:
    """The guard does not judge the certificate: it mirrors it, and the command judges the mirror."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _tls_of_redis(origin: Origin, trusted: str | None) -> ssl.SSLContext | None:
    """As the clients of Redis go about it. Raises TargetError when a file of the address cannot be read."""
    if not origin.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=origin.trusted or trusted)
        if origin.pair:
            context.load_cert_chain(*origin.pair)
    except OSError as error:  # ssl.SSLError is one
        raise TargetError(f"the files for TLS to {origin.name} cannot be read: {error.strerror or error}") from error
    if origin.tls != "yes":
        context.check_hostname = False
    if origin.tls == "unverified":
        context.verify_mode = ssl.CERT_NONE
    return context


def _ways(origin: Origin, trusted: str | None) -> tuple[Way, ...]:
    """As libpq goes about it. Raises TargetError when a file of the address cannot be read."""
    try:
        return ways_to(origin.tls, origin.trusted or trusted, origin.pair)
    except OSError as error:  # ssl.SSLError is one
        raise TargetError(f"the files for TLS to {origin.name} cannot be read: {error.strerror or error}") from error
