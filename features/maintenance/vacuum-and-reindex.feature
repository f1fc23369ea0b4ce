@needs_postgres
Feature: Vacuum and reindex
  VACUUM makes the space of dead rows usable again. REINDEX CONCURRENTLY makes bloated indexes small again, while
  reads and writes go on.

  @risk_readonly
  Scenario: Tables with many dead rows are found
    Given dead rows fill a table and its indexes
    When I list tables by their dead rows:
      """sql
      SELECT relname AS "table", n_live_tup, n_dead_tup,
             round(100.0 * n_dead_tup / greatest(n_live_tup + n_dead_tup, 1)) AS dead_percent,
             greatest(last_vacuum, last_autovacuum) AS vacuumed,
             pg_size_pretty(pg_relation_size(relid)) AS size,
             pg_size_pretty(pg_indexes_size(relid)) AS indexes
      FROM pg_stat_user_tables
      WHERE n_dead_tup > 0
      ORDER BY n_dead_tup DESC
      LIMIT 10;
      """
    Then the table with dead rows is listed

  @risk_readonly
  Scenario: The distance to transaction ID wraparound is read
    Given a quiet day of queries was counted
    When I read the age of the oldest transaction of each database:
      """sql
      SELECT datname, age(datfrozenxid) AS transactions, mxid_age(datminmxid) AS multixacts,
             round(100.0 * age(datfrozenxid) / 2^31) AS percent_of_the_end,
             current_setting('autovacuum_freeze_max_age') AS autovacuum_begins_at
      FROM pg_database
      ORDER BY age(datfrozenxid) DESC;
      """
    Then every database is far from wraparound

  @risk_mutating
  Scenario: Remove dead rows while customers write
    Given dead rows fill a table and its indexes
    And customers write to it all the time
    When I vacuum the table, and analyze it (within 30 minutes):
      """sql
      VACUUM (ANALYZE) notifications;
      """
    Then no write had to wait
    And new rows use the space of dead ones

  @risk_mutating
  Scenario: Vacuum until no dead row is left
    Given dead rows fill a table and its indexes
    When I vacuum the table, and analyze it (within 30 minutes):
      """sql
      VACUUM (ANALYZE) notifications;
      """
    Then no dead row is left, and the table stays as big as it was

  @risk_mutating
  Scenario: Rebuild indexes while customers write
    Given dead rows fill a table and its indexes
    And customers write to it all the time
    When I rebuild the indexes of the table, one after the other (within 60 minutes):
      """sql
      REINDEX TABLE CONCURRENTLY notifications;
      """
    Then no write had to wait
    And its index is smaller than before
    And every index is valid

  @risk_destructive @counter_example
  Scenario: An ordinary REINDEX makes customers wait
    Given dead rows fill a table and its indexes
    And customers write to it all the time
    When I rebuild them as version 1.0 did, in a maintenance window only (within 60 minutes):
      """sql
      REINDEX TABLE notifications;
      """
    Then writes gave up waiting
    And its index is smaller than before

  @risk_mutating @counter_example
  Scenario: A concurrent rebuild is refused inside a transaction
    Given dead rows fill a table and its indexes
    When I try to rebuild inside a transaction:
      """sql
      BEGIN;
      REINDEX TABLE CONCURRENTLY notifications;
      COMMIT;
      """
    Then it is refused with exit code 3, saying:
      """
      REINDEX CONCURRENTLY cannot run inside a transaction block
      """
    And every index is valid

  @risk_mutating
  Scenario: Drop what a failed rebuild left, and repeat the rebuild
    Given dead rows fill a table and its indexes
    And a concurrent rebuild has failed half-way
    When I list what failed rebuilds left:
      """sql
      SELECT indexrelid::regclass AS index, indrelid::regclass AS "table",
             pg_size_pretty(pg_relation_size(indexrelid)) AS size
      FROM pg_index
      WHERE NOT indisvalid AND indexrelid::regclass::text ~ '_cc(new|old)[0-9]*"?$';
      """
    Then what the rebuild left is listed
    And the index itself still serves
    # good without (1): no query uses an index whose name ends in _ccnew; the list is for the person who reads it.
    When I drop it (within 5 minutes):
      """sql
      DROP INDEX CONCURRENTLY notifications_user_created_ccnew;
      """
    # good without (1, 2): a rebuild is right beside what the failed one left, which can be dropped afterwards.
    And I rebuild the index again (within 60 minutes):
      """sql
      REINDEX INDEX CONCURRENTLY notifications_user_created;
      """
    Then every index is valid
    And its index is smaller than before
