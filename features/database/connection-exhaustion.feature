@needs_postgres @alert_DatabaseConnectionsHigh
Feature: Free database connections
  The database refuses new connections because all are taken. Most of them do nothing.

  @risk_readonly
  Scenario: The application that holds the connections is found
    Given an application has taken every connection
    When I count sessions against the maximum:
      """bash
      PGPASSWORD="${ADMIN_PASSWORD:-$PGPASSWORD}" PGUSER="${ADMIN_USER:-$PGUSER}" psql -X -At -v ON_ERROR_STOP=1 <<'SQL'
      SELECT json_build_object(
        'used', count(*),
        'max', current_setting('max_connections')::int,
        'reserved', current_setting('superuser_reserved_connections')::int,
        'usedPercent', round(100.0 * count(*) / current_setting('max_connections')::int))
      FROM pg_stat_activity
      WHERE backend_type = 'client backend';
      SQL
      """
    Then 80 % or more of the connections are counted
    When I list who holds them, in which state, and for how long:
      """bash
      PGPASSWORD="${ADMIN_PASSWORD:-$PGPASSWORD}" PGUSER="${ADMIN_USER:-$PGUSER}" psql -X -v ON_ERROR_STOP=1 <<'SQL'
      SELECT application_name, usename, state, count(*), max(now() - state_change) AS longest
      FROM pg_stat_activity
      WHERE backend_type = 'client backend'
      GROUP BY application_name, usename, state
      ORDER BY count(*) DESC
      LIMIT 10;
      SQL
      """
    Then the application that holds most connections is named

  @risk_destructive
  Scenario: End forgotten transactions, and nothing else
    Given an application has taken every connection
    And the alert DatabaseConnectionsHigh rings
    When I name the application that forgot the most transactions:
      """bash
      PGPASSWORD="${ADMIN_PASSWORD:-$PGPASSWORD}" PGUSER="${ADMIN_USER:-$PGUSER}" psql -X -At -v ON_ERROR_STOP=1 <<'SQL'
      SELECT json_build_object('application', application_name, 'sessions', count(*))
      FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()
        AND application_name !~ '^(pg_dump|beautycort database-backup)'
      GROUP BY application_name
      ORDER BY count(*) DESC
      LIMIT 1;
      SQL
      """
    And I take application from the answer as APPLICATION
    And I end its transactions that were idle for five minutes, except those of superusers:
      """bash
      PGPASSWORD="${ADMIN_PASSWORD:-$PGPASSWORD}" PGUSER="${ADMIN_USER:-$PGUSER}" psql -X -v ON_ERROR_STOP=1 -v application="${APPLICATION?}" <<'SQL'
      \set idle_for '5 minutes'
      \getenv idle_for IDLE_FOR
      SELECT pid, usename, now() - state_change AS idle, pg_terminate_backend(pid) AS ended
      FROM pg_stat_activity
      JOIN pg_roles ON pg_roles.oid = usesysid AND NOT rolsuper
      WHERE application_name = :'application'
        AND state LIKE 'idle in transaction%'
        AND state_change < now() - :'idle_for'::interval
        AND pid <> pg_backend_pid();
      SQL
      """
    Then it has no forgotten transaction any more
    And the application can connect again
    And active sessions, and those of other applications, are still connected
    And the alert DatabaseConnectionsHigh falls silent again

  @risk_mutating
  Scenario: Let forgotten transactions end by themselves from now on
    Given a transaction was forgotten by its application
    When I set a limit for idle transactions of the application's role, which applies to its new sessions:
      """sql
      \set idle_limit '5min'
      \getenv idle_limit IDLE_LIMIT
      \getenv application_role APPLICATION_ROLE
      ALTER ROLE :"application_role" IN DATABASE :"DBNAME" SET idle_in_transaction_session_timeout = :'idle_limit';
      """
    Then the server ends a transaction that is forgotten from now on

  @risk_readonly
  Scenario: The administrator gets in when nobody else does
    Given an application has taken every connection
    When I connect as administrator, on a reserved connection, and read how many there are:
      """bash
      PGUSER="${ADMIN_USER:?}" PGPASSWORD="${ADMIN_PASSWORD:?}" psql -X -v ON_ERROR_STOP=1 <<'SQL'
      SELECT current_user AS administrator,
             current_setting('superuser_reserved_connections') AS for_superusers,
             current_setting('reserved_connections', true) AS for_members_of_pg_use_reserved_connections;
      SQL
      """
    Then the administrator can connect while the application is refused
