"""A dump of definitions becomes entries, and two of them are compared whatever their order."""

from __future__ import annotations

from runbook_steps.operations.schema_text import definitions, definitions_digest, differences

TABLE = b"""--
-- Name: bookings; Type: TABLE; Schema: public; Owner: shop
--

CREATE TABLE public.bookings (
    id integer
);
"""
INDEX = b"""--
-- Name: bookings_id; Type: INDEX; Schema: public; Owner: shop
--

CREATE INDEX bookings_id ON public.bookings USING btree (id);
"""
HEAD = b"--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET statement_timeout = 0;\n\n"


def test_the_order_of_entries_means_nothing() -> None:
    """Nor do the random word of restrict, blank lines, and which tablespace is the default."""
    one = definitions(HEAD + TABLE + b"\n\n" + INDEX)
    other = definitions(
        HEAD.replace(b"abc", b"xyz") + INDEX + b"\nSET default_tablespace = '';\n\n" + TABLE + b"\\unrestrict xyz\n"
    )
    assert definitions_digest(one) == definitions_digest(other)
    assert differences(one, other) == []


def test_what_differs_is_named() -> None:
    """Missing, unexpected, and defined otherwise: also by the owner alone."""
    one = definitions(TABLE + INDEX)
    assert differences(one, definitions(TABLE)) == ["index public.bookings_id is missing"]
    assert differences(definitions(TABLE), one) == ["index public.bookings_id is unexpected"]
    for change in (TABLE.replace(b"id integer", b"id bigint"), TABLE.replace(b"Owner: shop", b"Owner: other")):
        found = definitions(change)
        assert differences(definitions(TABLE), found) == ["table public.bookings is defined otherwise"]
        assert definitions_digest(found) != definitions_digest(definitions(TABLE))


def test_one_of_two_equal_entries_is_missed() -> None:
    """Functions of one name are several entries with one key."""
    assert differences(definitions(INDEX + INDEX), definitions(INDEX)) == ["index public.bookings_id is missing"]


def test_names_in_other_encodings_are_kept_byte_for_byte() -> None:
    """Two names that differ in one byte that is no UTF-8 are two entries."""
    one = definitions(TABLE.replace(b"bookings", b"caf\xe9"))
    other = definitions(TABLE.replace(b"bookings", b"caf\xe8"))
    assert one.keys() != other.keys()
    assert definitions_digest(one) != definitions_digest(other)


def test_what_other_commands_carry_is_no_definition() -> None:
    """Subscriptions, the values of sequences, and the database itself."""
    kinds = (b"SUBSCRIPTION", b"SEQUENCE SET", b"DATABASE", b"MATERIALIZED VIEW DATA")
    assert definitions(b"".join(TABLE.replace(b"TABLE; S", kind + b"; S") for kind in kinds)) == {}


def test_known_differences_are_left_out_by_their_text() -> None:
    """A constraint that a restore left NOT VALID is told elsewhere."""
    one, other = definitions(INDEX), definitions(INDEX.replace(b"btree", b"hash"))
    assert differences(one, other, but=["bookings_id"]) == []
    assert differences(one, other, but=["elsewhere"]) == ["index public.bookings_id is defined otherwise"]
