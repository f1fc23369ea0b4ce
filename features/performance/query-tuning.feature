@needs_postgres
Feature: Query tuning
  Find where the time goes, read the plan, and give the planner current statistics.

  @risk_readonly
  Scenario: The queries that take the most total time are found
    Given customers wait for a query that lacks an index
    When I list queries by total time:
      """sql
      SELECT round(total_exec_time::numeric, 1) AS total_ms, round(mean_exec_time::numeric, 2) AS mean_ms,
             calls, rows, shared_blks_hit + shared_blks_read AS blocks,
             left(regexp_replace(query, '\s+', ' ', 'g'), 100) AS query
      FROM pg_stat_statements
      JOIN pg_database ON pg_database.oid = dbid
      WHERE datname = current_database()
      ORDER BY total_exec_time DESC
      LIMIT 10;
      """
    Then the slow query is listed

  @risk_readonly
  Scenario: The column names of version 1.0 are refused
    Given a quiet day of queries was counted
    When I try to ask with the names from before PostgreSQL 13:
      """sql
      \set VERBOSITY verbose
      SELECT query, mean_time, calls, total_time
      FROM pg_stat_statements
      ORDER BY total_time DESC
      LIMIT 10;
      """
    Then it is refused with exit code 3, saying:
      """
      42703:
      """

  @risk_readonly
  Scenario: A plan with a wrong row estimate is found
    Given the planner's statistics are out of date
    When I compare expected rows with real ones:
      """sql
      BEGIN;
      SET LOCAL statement_timeout = '30s';
      EXPLAIN (ANALYZE, BUFFERS)
      SELECT id FROM notifications WHERE kind = 'refund';
      ROLLBACK;
      """
    Then the plan expects far fewer rows than there are
    When I list tables by the rows changed since their last ANALYZE:
      """sql
      SELECT relname AS "table", n_live_tup, n_mod_since_analyze,
             greatest(last_analyze, last_autoanalyze) AS analyzed
      FROM pg_stat_user_tables
      WHERE n_mod_since_analyze > 0
      ORDER BY n_mod_since_analyze DESC
      LIMIT 10;
      """
    Then the table with the most changes since is listed

  @risk_mutating
  Scenario: Refresh the statistics
    Given the planner's statistics are out of date
    When I analyze the table:
      """sql
      ANALYZE notifications;
      """
    # good without (1): the tables have nothing to do with each other, and new statistics are always right.
    And I analyze the tables that are used most:
      """sql
      ANALYZE users, providers, bookings;
      """
    Then the plan expects about as many rows as there are

  @risk_readonly
  Scenario: An N+1 query is found and replaced by one query
    Given an application runs one query for each row
    When I list queries that return one row, by number of calls:
      """sql
      SELECT calls, round(total_exec_time::numeric, 1) AS total_ms,
             round(mean_exec_time::numeric, 3) AS mean_ms,
             left(regexp_replace(query, '\s+', ' ', 'g'), 100) AS query
      FROM pg_stat_statements
      JOIN pg_database ON pg_database.oid = dbid
      WHERE datname = current_database() AND query ~* '^select' AND rows <= calls AND calls >= 100
      ORDER BY calls DESC
      LIMIT 10;
      """
    Then the query that runs once for each row is at the top
    When I ask for all rows at once:
      """sql
      SELECT bookings.id, users.name
      FROM (SELECT id, user_id FROM bookings ORDER BY id LIMIT 300) AS bookings
      JOIN users ON users.id = bookings.user_id;
      """
    Then one query returns what took hundreds of calls
