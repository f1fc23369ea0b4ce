"""What SQL may use: PostgreSQL's own functions by name, settings, extensions. Data, from the manual of PostgreSQL 18.

A function of the server that is IMMUTABLE or STABLE changes nothing, by PostgreSQL's own promise (chapter 36.7),
but for those of `RUN_TEXT`. One that is VOLATILE passes only when it stands here.
"""

from __future__ import annotations

__all__ = [
    "AGAIN",
    "CHANGING",
    "ENDING",
    "EXTENSIONS",
    "FILLING",
    "HARMLESS",
    "MOMENTS",
    "PLAIN_CONNINFO",
    "PLAIN_EXTENSIONS",
    "PLAIN_OPTIONS",
    "PLAIN_SETTINGS",
    "RUN_TEXT",
    "SETTINGS",
    "SETTINGS_CHANGING",
    "STORED",
    "VALUES",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# VOLATILE because their value differs from call to call, or is measured (chapters 9.26 to 9.28)
HARMLESS = _words(
    """
    clock_timestamp timeofday random gen_random_uuid uuidv4 uuidv7 setseed pg_sleep pg_sleep_for pg_sleep_until
    current_query amvalidate pg_blocking_pids pg_safe_snapshot_blocking_pids
    pg_collation_actual_version pg_database_collation_actual_version pg_control_checkpoint pg_control_init
    pg_control_recovery pg_control_system pg_current_logfile pg_current_wal_flush_lsn pg_current_wal_insert_lsn
    pg_current_wal_lsn pg_database_size pg_get_backend_memory_contexts pg_get_multixact_members
    pg_get_shmem_allocations pg_get_shmem_allocations_numa pg_get_aios pg_get_wal_replay_pause_state
    pg_get_wal_resource_managers pg_ident_file_mappings pg_indexes_size pg_is_in_recovery
    pg_is_wal_replay_paused pg_jit_available pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn
    pg_last_xact_replay_timestamp pg_lock_status pg_ls_archive_statusdir pg_ls_logdir pg_ls_logicalmapdir
    pg_ls_logicalsnapdir pg_ls_replslotdir pg_ls_summariesdir pg_ls_tmpdir pg_ls_waldir pg_notification_queue_usage
    pg_partition_ancestors pg_partition_tree pg_prepared_xact pg_relation_size pg_sequence_last_value
    pg_get_sequence_data pg_show_replication_origin_status pg_stat_clear_snapshot
    pg_stat_get_recovery_prefetch pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit
    pg_stat_get_xact_function_calls pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time
    pg_stat_get_xact_numscans pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched
    pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_inserted
    pg_stat_get_xact_tuples_returned pg_stat_get_xact_tuples_updated pg_stat_have_stats pg_table_size
    pg_tablespace_size pg_total_relation_size pg_xact_commit_timestamp pg_xact_commit_timestamp_origin
    pg_xact_status pg_available_wal_summaries pg_get_wal_summarizer_state pg_stat_statements pg_stat_statements_info
    pg_buffercache_pages pg_buffercache_summary pg_buffercache_usage_counts pgstattuple pgstatindex
    pgstattuple_approx pg_freespace uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 gen_random_bytes gen_salt
    crypt pgp_sym_encrypt pgp_sym_encrypt_bytea pgp_pub_encrypt pgp_pub_encrypt_bytea normal_rand set_limit
    """
)
# STABLE, and all the same they run the text that they are given, read what their argument names, or leave a trace
RUN_TEXT = _words(
    """
    cursor_to_xml cursor_to_xmlschema database_to_xml database_to_xml_and_xmlschema database_to_xmlschema
    schema_to_xml schema_to_xml_and_xmlschema schema_to_xmlschema table_to_xml table_to_xml_and_xmlschema
    table_to_xmlschema query_to_xml query_to_xml_and_xmlschema query_to_xmlschema ts_stat ts_rewrite
    pg_current_xact_id txid_current pg_input_is_valid pg_input_error_info
    crosstab crosstab2 crosstab3 crosstab4 crosstabn connectby xpath_table
    """
)
# what may be done where something may be changed: nothing that is stored is lost by it
CHANGING = _words(
    """
    currval lastval nextval set_config pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock
    pg_advisory_unlock_all pg_advisory_unlock_shared pg_advisory_xact_lock pg_advisory_xact_lock_shared
    pg_try_advisory_lock pg_try_advisory_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared
    pg_reload_conf pg_rotate_logfile pg_notify pg_switch_wal pg_create_restore_point pg_export_snapshot
    pg_log_backend_memory_contexts pg_log_standby_snapshot pg_stat_force_next_flush pg_wal_replay_resume
    pg_current_xact_id txid_current lo_creat lo_create lo_from_bytea lo_get lo_open lo_close
    lo_tell lo_tell64 lo_lseek lo_lseek64 loread gin_clean_pending_list brin_summarize_new_values
    brin_summarize_range pg_prewarm pg_extension_config_dump addgeometrycolumn
    """
)
# what a dump is restored by: nothing is overwritten in a database that is being filled
FILLING = _words("setval pg_restore_relation_stats pg_restore_attribute_stats pg_clear_relation_stats")
# they end what somebody else does: one session at a time, named by its number
ENDING = _words("pg_cancel_backend pg_terminate_backend")
# harmless once, and not for each row or in a loop
AGAIN = {
    "nextval": "which moves a sequence", "pg_switch_wal": "which fills the archive",
    "pg_create_restore_point": "which fills the archive", "lo_create": "which fills the disk",
    "lo_creat": "which fills the disk", "lo_from_bytea": "which fills the disk",
    "pg_export_snapshot": "which fills the disk", "pg_log_standby_snapshot": "which fills the archive",
    "pg_log_backend_memory_contexts": "which fills the log",
}  # fmt: skip
# extensions whose functions do what their volatility says; those that run text are in RUN_TEXT
EXTENSIONS = _words(
    """
    btree_gin btree_gist citext cube dict_int dict_xsyn earthdistance fuzzystrmatch hstore intarray isn ltree
    pg_buffercache pg_freespacemap pg_stat_statements pg_trgm pgcrypto pgstattuple postgis postgis_topology seg
    sslinfo tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp vector plpgsql
    """
)
# what a reading session may set for itself
SETTINGS = _words(
    """
    application_name bytea_output client_min_messages constraint_exclusion datestyle default_statistics_target
    enable_bitmapscan enable_hashjoin enable_indexonlyscan enable_indexscan enable_mergejoin enable_nestloop
    enable_seqscan enable_sort escape_string_warning extra_float_digits force_parallel_mode lc_monetary
    idle_in_transaction_session_timeout idle_session_timeout intervalstyle jit lock_timeout
    max_parallel_workers_per_gather quote_all_identifiers random_page_cost row_security search_path
    statement_timeout synchronize_seqscans timezone track_io_timing transaction_isolation transaction_timeout
    transform_null_equals work_mem xmloption restrict_nonsystem_relation_kind
    """
)
SETTINGS_CHANGING = _words(
    """
    check_function_bodies default_table_access_method default_tablespace default_toast_compression
    default_transaction_deferrable default_transaction_isolation default_transaction_read_only
    default_with_oids event_triggers maintenance_work_mem max_parallel_maintenance_workers role session_authorization
    temp_tablespaces transaction_deferrable transaction_read_only
    """
)
# what may be kept for sessions to come, of a role or a database: limits of time, and how a query is planned; not the
# time zone, by which what the application writes would be another moment
MOMENTS = _words(
    "idle_in_transaction_session_timeout idle_session_timeout lock_timeout statement_timeout transaction_timeout"
)
STORED = _words("default_statistics_target jit maintenance_work_mem random_page_cost work_mem")
# with another value the server reads a text otherwise than the parser here: a string for one is a statement for
# the other
VALUES = {
    "client_encoding": frozenset({"utf8", "utf-8", "unicode"}),
    "standard_conforming_strings": frozenset({"on", "true", "yes", "1"}),
    "default_transaction_read_only": frozenset({"on", "true", "yes", "1"}),
    "transaction_read_only": frozenset({"on", "true", "yes", "1"}),
}
# settings of PostgreSQL's own whose text is no password: names, files, addresses of the server itself
PLAIN_SETTINGS = _words(
    """
    application_name archive_library backtrace_functions bonjour_name client_encoding cluster_name config_file
    createrole_self_grant data_directory datestyle debug_io_direct default_table_access_method default_tablespace
    default_text_search_config dynamic_library_path event_source extension_control_path external_pid_file hba_file
    ident_file in_hot_standby jit_provider krb_server_keyfile lc_collate lc_ctype lc_messages lc_monetary lc_numeric
    lc_time listen_addresses local_preload_libraries log_connections log_destination log_directory log_filename
    log_line_prefix log_timezone oauth_validator_libraries output_plugin_libraries primary_slot_name recovery_target
    recovery_target_lsn
    recovery_target_name recovery_target_time recovery_target_timeline recovery_target_xid
    restrict_nonsystem_relation_kind role search_path server_encoding server_version session_authorization
    session_preload_libraries shared_preload_libraries ssl_ca_file ssl_cert_file ssl_ciphers ssl_crl_dir ssl_crl_file
    ssl_dh_params_file ssl_ecdh_curve ssl_groups ssl_key_file ssl_library ssl_tls13_ciphers stats_temp_directory
    synchronized_standby_slots synchronous_standby_names syslog_ident temp_tablespaces timezone timezone_abbreviations
    unix_socket_directories unix_socket_group wal_consistency_checking
    """
)
PLAIN_EXTENSIONS = _words("auto_explain pg_stat_statements pgaudit plpgsql")
"""What stands before the dot in the names of their settings."""
PLAIN_CONNINFO = _words(
    """
    application_name channel_binding connect_timeout dbname fallback_application_name gssencmode host hostaddr
    keepalives keepalives_count keepalives_idle keepalives_interval krbsrvname passfile port require_auth
    sslcert sslcompression
    sslcrl sslkey sslmode sslnegotiation sslrootcert sslsni target_session_attrs tcp_user_timeout user
    """
)
PLAIN_OPTIONS = _words(
    """
    analyze_sampling application_name async_capable batch_size collation_name column_name connect_timeout dbname
    delimiter encoding escape extensions fallback_application_name fdw_startup_cost fdw_tuple_cost fetch_size filename
    force_not_null force_null format header host hostaddr keep_connections null parallel_abort parallel_commit port
    quote schema_name sslmode table_name truncatable updatable use_remote_estimate
    """
)
