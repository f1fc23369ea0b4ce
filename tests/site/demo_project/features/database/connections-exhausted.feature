@needs_postgres @alert_DatabaseConnectionsHigh
Feature: Database connections are exhausted
  PostgreSQL refuses new connections: sessions that hold a transaction open keep all of them.

  Background:
    Given the database has the seed data
    And a dashboard session is connected

  @risk_readonly
  Scenario: The sessions that hold the connections are found
    Given 20 sessions are idle in a transaction
    When I count the sessions by state:
      """sql
      SELECT state, count(*) AS sessions, max(now() - state_change) AS longest
      FROM pg_stat_activity
      WHERE datname = current_database()
      GROUP BY state
      ORDER BY sessions DESC;
      """
    Then `idle in transaction` leads the list with at least 20 sessions
    When I compare them with the limit:
      """bash
      psql --no-psqlrc --tuples-only --no-align \
      	--command "SELECT current_setting('max_connections')" # a tab indents this line
      """
    Then the sessions take more than 80 % of the limit:
      | sessions | limit |
      | 24       | 25    |

  @risk_destructive
  Scenario: Idle sessions are ended and new ones get in
    Given 20 sessions are idle in a transaction
    When a person asks in #engineering-alerts whose sessions these are
    And I end the sessions that have been idle in a transaction for a minute (within 2 minutes):
      """sql
      SELECT pid, usename, pg_terminate_backend(pid)
      FROM pg_stat_activity
      WHERE state = 'idle in transaction' AND state_change < now() - interval '1 minute';
      """
    Then a new session can connect
    And the dashboard session is still connected

  @risk_mutating @requires_kubectl
  Scenario Outline: The pool is made smaller on <service>
    When I set the pool of a service:
      """bash
      kubectl set env deployment/<service> DB_POOL_MAX=<size>
      """
    Then the pool of <service> holds <size> connections

    Examples:
      | service | size |
      | api     | 5    |
      | worker  | 2    |
