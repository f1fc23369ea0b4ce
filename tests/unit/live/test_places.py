"""Where a live target is, told without telling it."""

from __future__ import annotations

import pytest

from runbook_steps.engine.targets.places import places_of

URL = "postgresql://shop:old@db-1.example:5432/shop"


@pytest.mark.parametrize(
    ("value", "same"),
    [
        ("postgresql://shop:new@db-1.example:5432/shop?sslmode=require", True),
        ("postgresql://shop:old@db-2.example:5432/shop", False),
        ("postgresql://shop:old@db-1.example:5433/shop", False),
        ("postgresql://shop:old@db-1.example:5432/other", False),
    ],
)
def test_another_password_is_the_same_place(value: str, same: bool) -> None:
    """Who renews it in an incident works on the same system; host, port and database make another one."""
    assert (places_of({"DATABASE_URL": URL}) == places_of({"DATABASE_URL": value})) is same


def test_what_may_be_a_secret_has_no_mark() -> None:
    """Only places have one: no word of it, and none of a webhook's path, could be guessed from it."""
    environment = {
        "API_PASSWORD": "/looks/like/a.path",
        "TAP_SECRET_KEY": "sk.live.1",
        "LOG_LEVEL": "debug",
        "TIMEOUT": "30",
        "ODD_URL": "http://[x",
    }
    assert places_of(environment) == {}
    first, second = ({"HOOK_URL": f"https://hooks.example/services/{path}"} for path in ("T0P", "B0X"))
    assert places_of(first) == places_of(second)
    assert list(places_of({"NGINX_PREFIX": "/etc/nginx", "DATABASE_URL": URL})) == ["DATABASE_URL", "NGINX_PREFIX"]
    assert "db-1" not in str(places_of({"DATABASE_URL": URL}))
