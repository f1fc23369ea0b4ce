@needs_postgres @alert_DatabaseSlow
Feature: Database performance issues
  Most slow databases have one slow query, and most slow queries lack one index.

  @risk_readonly
  Scenario: The query that costs the most is found and explained
    Given customers wait for a query that lacks an index
    When I list the queries that take the most total time:
      """sql
      SELECT round(total_exec_time::numeric) AS total_ms,
             round(mean_exec_time::numeric, 1) AS mean_ms,
             calls,
             left(regexp_replace(query, '\s+', ' ', 'g'), 100) AS query
      FROM pg_stat_statements
      JOIN pg_database ON pg_database.oid = dbid
      WHERE datname = current_database()
      ORDER BY total_exec_time DESC
      LIMIT 10;
      """
    Then the slow query is listed
    When I ask for its plan, with real times and blocks read, and stop after 30 seconds:
      """sql
      BEGIN;
      SET LOCAL statement_timeout = '30s';
      EXPLAIN (ANALYZE, BUFFERS)
      SELECT id, body
      FROM notifications
      WHERE user_id = (SELECT id FROM users ORDER BY phone LIMIT 1)
      ORDER BY created_at DESC
      LIMIT 20;
      ROLLBACK;
      """
    Then its plan reads the whole table

  @risk_readonly
  Scenario: Memory, disk and sessions of the server are checked
    Given customers wait for a query that lacks an index
    When I read cache hits, temporary files, deadlocks and sessions:
      """sql
      SELECT numbackends,
             current_setting('max_connections') AS max_connections,
             round(100.0 * blks_hit / nullif(blks_hit + blks_read, 0), 1) AS cache_hit_percent,
             temp_files,
             pg_size_pretty(temp_bytes) AS temp_size,
             deadlocks,
             round(blk_read_time::numeric) AS read_ms
      FROM pg_stat_database
      WHERE datname = current_database();
      """
    Then the server's numbers are complete and plausible
    When I count the sessions by what they do and wait for:
      """sql
      SELECT state, wait_event_type, wait_event, count(*), max(now() - state_change) AS longest
      FROM pg_stat_activity
      WHERE backend_type = 'client backend'
      GROUP BY state, wait_event_type, wait_event
      ORDER BY count(*) DESC;
      """
    Then the counted sessions exist

  @risk_mutating
  Scenario: Build the missing index while the application keeps working
    Given customers wait for a query that lacks an index
    And a report asks it of every customer, again and again
    And the alert DatabaseSlow rings
    When I get ready to drop it, even half-built (within 5 minutes):
      """sql
      DROP INDEX CONCURRENTLY IF EXISTS notifications_user_created;
      """
    And I build the index without blocking writes (within 30 minutes):
      """sql
      CREATE INDEX CONCURRENTLY notifications_user_created
      ON notifications (user_id, created_at DESC);
      """
    Then every index is valid
    And its plan uses the index
    And the query is several times faster than before
    And the alert DatabaseSlow falls silent again

  @risk_readonly
  Scenario: An index that a failed build left behind is found
    Given customers wait for a query that lacks an index
    And the build of its index has failed half-way
    When I list invalid indexes, which no query uses:
      """sql
      SELECT indexrelid::regclass AS index, indrelid::regclass AS "table", indisvalid, indisready,
             pg_size_pretty(pg_relation_size(indexrelid)) AS size
      FROM pg_index
      WHERE NOT indisvalid;
      """
    Then the invalid index is named

  @risk_mutating
  Scenario: Rebuild an invalid index
    Given customers wait for a query that lacks an index
    And the build of its index has failed half-way
    When I rebuild it without blocking writes (within 30 minutes):
      """sql
      REINDEX INDEX CONCURRENTLY notifications_user_created;
      """
    Then every index is valid
    And its plan uses the index
    And the query is several times faster than before

  @risk_mutating
  Scenario: Drop what a failed build left, and build the index again
    Given customers wait for a query that lacks an index
    And the build of its index has failed half-way
    When I try to build it again under the same name:
      """sql
      CREATE INDEX CONCURRENTLY notifications_user_created
      ON notifications (user_id, created_at DESC);
      """
    Then it is refused with exit code 3, saying:
      """
      already exists
      """
    When I drop what the failed build left (within 5 minutes):
      """sql
      DROP INDEX CONCURRENTLY notifications_user_created;
      """
    # good without (2): as long as the broken index has the name, PostgreSQL refuses a second one.
    And I build it again from the start (within 30 minutes):
      """sql
      CREATE INDEX CONCURRENTLY notifications_user_created
      ON notifications (user_id, created_at DESC);
      """
    Then every index is valid
    And its plan uses the index
