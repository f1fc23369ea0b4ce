"""Plausible data, the same every time: what COPY is fed with. Pure."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal

__all__ = ["Seed", "make_seed"]

USERS, PROVIDERS, SERVICES, BOOKINGS = 320, 80, 300, 1500
VERIFIED, ACTIVE = 0.8, 0.95  # shares of the providers
FEE = Decimal("0.15")  # the platform's share of a booking

CITIES = {  # longitude, latitude, share
    "Amman": (35.9106, 31.9539, 50),
    "Irbid": (35.8500, 32.5556, 15),
    "Zarqa": (36.0880, 32.0728, 15),
    "Aqaba": (35.0060, 29.5321, 10),
    "Salt": (35.7272, 32.0392, 10),
}
CATEGORIES = (
    ("Hair", "شعر"), ("Nails", "أظافر"), ("Make-up", "مكياج"), ("Skin care", "عناية بالبشرة"),
    ("Massage", "مساج"), ("Barber", "حلاقة"), ("Henna", "حناء"), ("Eyebrows", "حواجب"),
    ("Bridal", "عرائس"), ("Spa", "سبا"),
)  # fmt: skip
FIRST = (
    ("Rana", "رنا"), ("Lina", "لينا"), ("Dana", "دانا"), ("Hala", "هلا"), ("Sara", "سارة"), ("Yara", "يارا"),
    ("Omar", "عمر"), ("Zaid", "زيد"), ("Tala", "تالا"), ("Noor", "نور"), ("Maya", "مايا"), ("Laith", "ليث"),
)  # fmt: skip
HOUSES = (("Salon", "صالون"), ("Studio", "استوديو"), ("Spa", "سبا"), ("Lounge", "لاونج"))
TREATMENTS = (("Classic", "كلاسيك"), ("Deluxe", "ديلوكس"), ("Express", "سريع"), ("Signature", "مميز"))

Row = tuple[object, ...]

TEST_PROVIDER: Row = (
    uuid.UUID("5f0ce000-0000-4000-8000-000000000001"), "Test provider", "مزود اختبار", "Aqaba", "(35.0060,29.3000)",
    Decimal("0.0"), False, True,
)  # fmt: skip
"""Exists for smoke tests only: nobody works there, and no search near a city finds it."""
TEST_SERVICE = uuid.UUID("5f0ce000-0000-4000-8000-000000000002")


@dataclass
class Seed:
    """Rows by table, in an order that foreign keys allow."""

    tables: dict[str, tuple[tuple[str, ...], list[Row]]] = field(default_factory=dict)

    def add(self, table: str, columns: tuple[str, ...], rows: Iterable[Row]) -> list[Row]:
        """Keeps the rows of a table and gives them back."""
        self.tables[table] = (columns, list(rows))
        return self.tables[table][1]


def make_seed(today: date, number: int = 20250816) -> Seed:
    """All rows. `number` seeds the generator; bookings lie from 60 days before today to 30 days after."""
    dice = random.Random(number)  # noqa: S311 - data, not secrets

    def new_id() -> uuid.UUID:
        return uuid.UUID(int=dice.getrandbits(128), version=4)

    seed = Seed()
    users = seed.add("users", ("id", "phone", "name", "preferred_language"), _users(dice, new_id))
    categories = seed.add(
        "service_categories", ("id", "name_en", "name_ar"), ((new_id(), en, ar) for en, ar in CATEGORIES)
    )
    providers = seed.add(
        "providers",
        ("id", "name_en", "name_ar", "city", "location", "rating", "verified", "active"),
        (*_providers(dice, new_id), TEST_PROVIDER),
    )
    services = seed.add(
        "services",
        ("id", "provider_id", "category_id", "name_en", "name_ar", "price", "duration_minutes"),
        (*_services(dice, new_id, providers[:-1], categories), _test_service(categories[0])),
    )
    seed.add(
        "provider_availability",
        ("id", "provider_id", "day_of_week", "opens", "closes"),
        ((new_id(), p[0], day, time(9), time(21)) for p in providers for day in range(7) if day != 5),  # noqa: PLR2004
    )
    seed.add(
        "bookings",
        ("id", "user_id", "provider_id", "service_id", "date", "start_time", "end_time", "status",
         "total_price", "platform_fee", "provider_earnings", "payment_method", "payment_status"),
        _bookings(dice, new_id, users, services[:-1], today),
    )  # fmt: skip
    return seed


def _test_service(category: Row) -> Row:
    return (TEST_SERVICE, TEST_PROVIDER[0], category[0], "Test", "اختبار", Decimal("1.00"), 30)


def _users(dice: random.Random, new_id: Callable[[], uuid.UUID]) -> Iterator[Row]:
    for number in range(USERS):
        english, arabic = dice.choice(FIRST)
        language = dice.choices(("ar", "en"), (7, 3))[0]
        yield (
            new_id(),
            f"+96279{1000000 + number * 7919 % 8999999:07d}",
            arabic if language == "ar" else english,
            language,
        )


def _providers(dice: random.Random, new_id: Callable[[], uuid.UUID]) -> Iterator[Row]:
    cities = dice.choices(list(CITIES), [share for *_, share in CITIES.values()], k=PROVIDERS)
    for city in cities:
        (first_en, first_ar), (house_en, house_ar) = dice.choice(FIRST), dice.choice(HOUSES)
        longitude, latitude, _ = CITIES[city]
        place = f"({longitude + dice.gauss(0, 0.03):.6f},{latitude + dice.gauss(0, 0.03):.6f})"
        rating = round(min(5.0, max(2.5, dice.gauss(4.3, 0.5))), 1)
        yield (
            new_id(), f"{first_en} {house_en}", f"{house_ar} {first_ar}", city, place, rating,
            dice.random() < VERIFIED, dice.random() < ACTIVE,
        )  # fmt: skip


def _services(
    dice: random.Random, new_id: Callable[[], uuid.UUID], providers: list[Row], categories: list[Row]
) -> Iterator[Row]:
    for number in range(SERVICES):
        category = dice.choice(categories)
        kind_en, kind_ar = dice.choice(TREATMENTS)
        yield (
            new_id(), providers[number % PROVIDERS][0], category[0], f"{kind_en} {category[1]}",
            f"{category[2]} {kind_ar}", Decimal(dice.randrange(5, 120)), dice.choice((30, 45, 60, 90)),
        )  # fmt: skip


def _bookings(
    dice: random.Random, new_id: Callable[[], uuid.UUID], users: list[Row], services: list[Row], today: date
) -> Iterator[Row]:
    taken: set[tuple[object, date, int]] = set()
    made = 0
    while made < BOOKINGS:
        service, day = dice.choice(services), today + timedelta(days=dice.randrange(-60, 30))
        hour = dice.randrange(9, 19, 2)  # every two hours: the longest service fits between two
        if (service[1], day, hour) in taken:
            continue
        taken.add((service[1], day, hour))
        made += 1
        price = Decimal(str(service[5]))
        fee = (price * FEE).quantize(Decimal("0.001"))
        past = ("completed", "completed", "completed", "cancelled", "no_show")
        status = dice.choice(past) if day < today else dice.choice(("pending", "confirmed"))
        minutes = hour * 60 + int(str(service[6]))
        yield (
            new_id(), dice.choice(users)[0], service[1], service[0], day, time(hour),
            time(minutes // 60, minutes % 60), status, price, fee, price - fee,
            dice.choice(("cash", "card", "wallet")), "paid" if status == "completed" else "pending",
        )  # fmt: skip
