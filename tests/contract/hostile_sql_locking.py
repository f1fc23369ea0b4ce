"""Statements that lock what everybody reads for as long as they run; data for the tests of the guard."""

from __future__ import annotations

__all__ = ["LOCKING", "PASSES_LOCKING"]

LOCKING = [
    "vacuum full", "vacuum (full)", "vacuum (full true, analyze)", "vacuum full analyze", "vacuum (full, verbose)",
    "vacuum full pg_class", "vacuum full pg_catalog.pg_attribute", "vacuum (full 1) canary, pg_proc",
    "vacuum full \"pg_class\"", "cluster", "cluster verbose", "cluster (verbose)",
    "cluster pg_class using pg_class_oid_index", "cluster pg_catalog.pg_index", "reindex system postgres",
    "reindex database postgres", "reindex schema public",
    "reindex (verbose) database postgres", "reindex system concurrently postgres", "reindex table pg_class",
    "reindex index pg_class_oid_index", "reindex table pg_catalog.pg_proc",
    "reindex (tablespace pg_default) table pg_type", "reindex schema pg_catalog",
    "reindex (concurrently false) database postgres", "reindex (concurrently off) schema public",
    "reindex (concurrently 0) table pg_class", "reindex (concurrently, concurrently false) database postgres",
    "reindex (concurrently 'no such word') database postgres",
]  # fmt: skip

PASSES_LOCKING = [
    "vacuum", "vacuum canary", "vacuum (analyze) canary", "vacuum full canary", "vacuum pg_class",
    "reindex table canary", "reindex table concurrently canary", "reindex index canary_pkey",
    "reindex schema concurrently public", "reindex (concurrently) schema public",
    "reindex (concurrently true, verbose) schema public", "reindex (concurrently on) schema public",
]  # fmt: skip
