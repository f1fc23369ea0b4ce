@needs_postgres
Feature: Read replicas
  A replica takes reads off the database, but its data is late. Measure first whether reads are the load, then how late it is.

  @risk_readonly
  Scenario: Whether a replica would help is measured
    Given a quiet day of queries was counted
    When I compare rows read with rows written:
      """sql
      SELECT tup_returned + tup_fetched AS read,
             tup_inserted + tup_updated + tup_deleted AS written,
             round(100.0 * (tup_returned + tup_fetched)
                   / greatest(tup_returned + tup_fetched + tup_inserted + tup_updated + tup_deleted, 1), 1) AS read_percent,
             stats_reset AS counted_since
      FROM pg_stat_database
      WHERE datname = current_database();
      """
    Then reads and writes are both counted
    When I read whether the server can feed a replica:
      """sql
      SELECT current_setting('wal_level') AS wal_level,
             current_setting('max_wal_senders') AS max_wal_senders,
             (SELECT count(*) FROM pg_stat_replication) AS in_use,
             current_setting('max_replication_slots') AS max_slots,
             (SELECT count(*) FROM pg_replication_slots) AS slots,
             current_setting('max_slot_wal_keep_size') AS most_wal_kept_for_a_slot;
      """
    Then the server is ready for a replica

  @risk_readonly @alert_ReplicaLagging
  Scenario: The replica follows, and its lag is measured
    Given a replica follows the database
    When I list the replicas, and how far behind they are:
      """sql
      SELECT application_name, state, sync_state, replay_lag,
             pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) AS bytes_behind
      FROM pg_stat_replication;
      """
    Then the replica is listed as streaming
    When I ask the replica how old its newest transaction is:
      """bash
      psql -X "${REPLICA_URL:?}" -c "
        SELECT pg_is_in_recovery() AS is_replica,
               CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN interval '0'
                    ELSE now() - pg_last_xact_replay_timestamp() END AS late"
      """
    Then the replica has every booking that the database has

  @risk_mutating
  Scenario: The replica refuses writes
    Given a replica follows the database
    When I try to write to it, with an update that matches no row:
      """bash
      psql -X "${REPLICA_URL:?}" -c "UPDATE bookings SET payment_status = payment_status WHERE false"
      """
    Then it is refused with exit code 1, saying:
      """
      cannot execute UPDATE in a read-only transaction
      """
    And the replica takes no write of any kind

  @risk_mutating @alert_ReplicaLagging
  Scenario: Find why a replica lags, and let it catch up
    Given a replica follows the database
    And the monitoring reads the replica too
    And the replica lags behind
    And the alert ReplicaLagging rings
    When I read how far behind it is:
      """sql
      SELECT application_name, state, replay_lag,
             pg_wal_lsn_diff(pg_current_wal_lsn(), sent_lsn) AS not_sent,
             pg_wal_lsn_diff(sent_lsn, replay_lsn) AS sent_and_not_replayed
      FROM pg_stat_replication;
      """
    Then the lag is shown in bytes
    When I ask the replica whether its replay is paused:
      """bash
      psql -X "${REPLICA_URL:?}" -c "SELECT pg_get_wal_replay_pause_state(), pg_last_xact_replay_timestamp()"
      """
    Then the replica says that its replay is paused
    # good without (1, 2): to resume a replay that is not paused changes nothing.
    When I resume its replay, as administrator:
      """bash
      (
        resume() { PGUSER="${ADMIN_USER:?}" PGPASSWORD="${ADMIN_PASSWORD:?}" psql -X "${REPLICA_URL:?}" -c "SELECT pg_wal_replay_resume()"; }
        # what waited long may cancel this very query ("conflict with recovery"): again changes nothing
        resume || resume
      )
      """
    Then the replica catches up
    And the alert ReplicaLagging falls silent again

  @risk_mutating @alert_ReplicaCutOff
  Scenario: A replica that was cut off receives again
    Given a replica follows the database
    And the monitoring reads the replica too
    And the primary refuses the replica
    And the alert ReplicaCutOff rings
    When I list the replicas that are connected:
      """sql
      SELECT application_name, client_addr, state FROM pg_stat_replication;
      """
    Then no replica is listed
    When I read by which rules the primary lets replicas in, as administrator:
      """bash
      PGUSER="${ADMIN_USER:?}" PGPASSWORD="${ADMIN_PASSWORD:?}" psql -X -v ON_ERROR_STOP=1 <<'SQL'
      SELECT line_number, type, user_name, address, auth_method, error
      FROM pg_hba_file_rules
      WHERE 'replication' = ANY (database) OR error IS NOT NULL
      ORDER BY line_number;
      SQL
      """
    Then the rule that refuses replicas is listed
    # good without (1, 2): only a line that refuses every replica is removed, and the former file is kept; without such
    #   a line nothing changes.
    When I remove the rule that refuses all of them, on the host of the primary, and let it read its rules again, as administrator:
      """bash
      (
        set -eu
        export PGUSER="${ADMIN_USER:?}" PGPASSWORD="${ADMIN_PASSWORD:?}"
        file=$(psql -XAt -c 'SHOW hba_file')
        sed -i.before '/^host  *replication  *all  *all  *reject *$/d' "$file"
        psql -XAt -c 'SELECT pg_reload_conf()'
      )
      """
    Then the replica receives again what is written
    And the alert ReplicaCutOff falls silent again

  @risk_destructive
  Scenario: Find an unused replication slot, and drop it
    Given a replication slot is kept for a replica that is gone
    When I list unused slots, and the WAL that is kept for them:
      """sql
      SELECT slot_name, slot_type, wal_status,
             pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) AS wal_kept
      FROM pg_replication_slots
      WHERE NOT active;
      """
    Then the unused slot is listed
    # good without (1): the slot is the one that you set as GONE_SLOT, and one that is in use is not dropped.
    When I drop the slot, whose replica is gone for good:
      """sql
      \getenv slot GONE_SLOT
      SELECT slot_name, pg_drop_replication_slot(slot_name)
      FROM pg_replication_slots
      WHERE slot_name = :'slot' AND NOT active;
      """
    Then no unused slot is left
