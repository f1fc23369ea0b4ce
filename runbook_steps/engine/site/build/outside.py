"""Asks an external address of the site whether it answers, and nothing that is not external.

A link of a page may be anybody's; so may the page that it leads on to. What is on this machine, or in the network
around it, is not asked, whatever name it goes by.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.request import getproxies

import httpx

__all__ = ["Outside", "answers"]

_DEADLINE_S = 10.0
_THERE = frozenset({401, 403, 405, 429})  # behind a sign-in, or a limit
# what is given to hosts of the internet; what leads to an IPv4 address inside (NAT64, mapped, compatible) is not in it
_GIVEN_OUT = ip_network("2000::/3")
_OF_PROTOCOLS = ip_network("192.0.0.0/24")  # a gateway of the network around it may have one
Resolve = Callable[[str, int], list[str]]


def _addresses(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Outside(httpx.HTTPTransport):
    """Connects to addresses of the public internet only, to the very address that was judged, at each redirect too.

    Raises httpx.ConnectError for a name that leads elsewhere, or nowhere.
    """

    def __init__(self, resolve: Resolve = _addresses) -> None:
        super().__init__()
        self._resolve = resolve

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, to an address that is written anew from what was judged."""
        host = request.url.host
        try:
            found = self._resolve(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        except OSError as error:
            raise httpx.ConnectError(f"{host} is not known: {error}") from error
        inside = [address for address in found if not _is_public(address)]
        if inside or not found:
            raise httpx.ConnectError(f"{host} is no address of the public internet")
        named = {**request.extensions, "sni_hostname": host}  # the certificate is judged by the name
        at = request.url.copy_with(host=found[0])
        judged = httpx.Request(request.method, at, headers=request.headers, stream=request.stream, extensions=named)
        return super().handle_request(judged)


def _is_public(address: str) -> bool:
    read: IPv4Address | IPv6Address | None = ip_address(address.partition("%")[0])
    if isinstance(read, IPv6Address):
        read = (read.sixtofour or read) if read in _GIVEN_OUT else None
    return read is not None and read.is_global and not read.is_multicast and read not in _OF_PROTOCOLS


def answers(url: str) -> str:
    """What is wrong with an address, empty when something answers there.

    Behind a proxy the proxy resolves names, and decides what may be asked.
    """
    transport = None if {"http", "https", "all"} & set(getproxies()) else Outside()
    try:
        with httpx.Client(transport=transport, timeout=_DEADLINE_S, follow_redirects=True) as client:
            code = client.get(url).status_code
    except httpx.HTTPError as error:
        return f"does not answer: {type(error).__name__}: {error}"
    return "" if code < httpx.codes.BAD_REQUEST or code in _THERE else f"answers {code}"
