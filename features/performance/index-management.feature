@needs_postgres
Feature: Index management
  An index makes reads faster and every write slower. Queries on the catalogue find missing, unused and duplicate ones.

  @risk_readonly
  Scenario: A big table that is scanned sequentially is found
    Given customers wait for a query that lacks an index
    When I list big tables by the rows that sequential scans read:
      """sql
      SELECT relname AS "table", seq_scan, seq_tup_read, coalesce(idx_scan, 0) AS idx_scan, n_live_tup,
             pg_size_pretty(pg_relation_size(relid)) AS size
      FROM pg_stat_user_tables
      WHERE n_live_tup > 10000 AND seq_scan > 0
      ORDER BY seq_tup_read DESC
      LIMIT 10;
      """
    Then the table that is scanned is at the top of the list

  @risk_mutating
  Scenario: Build the index on provider locations
    Given the index of the providers' places is missing
    When I get ready to drop it, even half-built (within 5 minutes):
      """sql
      DROP INDEX CONCURRENTLY IF EXISTS idx_providers_location;
      """
    And I build it without blocking writes (within 30 minutes):
      """sql
      CREATE INDEX CONCURRENTLY idx_providers_location ON providers USING GIST (location);
      """
    Then the nearest providers are found through that index
    And every index is valid

  @risk_readonly
  Scenario: Unused indexes are found
    Given there are unused and duplicate indexes
    When I list indexes without a scan, except those of constraints:
      """sql
      SELECT s.schemaname, s.relname AS "table", s.indexrelname AS index, s.idx_scan,
             s.idx_tup_read, s.idx_tup_fetch, pg_size_pretty(pg_relation_size(s.indexrelid)) AS size,
             d.stats_reset AS counted_since
      FROM pg_stat_user_indexes AS s
      JOIN pg_index AS i ON i.indexrelid = s.indexrelid
      JOIN pg_stat_database AS d ON d.datname = current_database()
      WHERE s.idx_scan = 0
        AND NOT i.indisunique
        AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = s.indexrelid)
      ORDER BY pg_relation_size(s.indexrelid) DESC;
      """
    Then the unused index is listed, and none that a constraint needs

  @risk_readonly
  Scenario: Duplicate indexes are found
    Given there are unused and duplicate indexes
    When I list indexes with the same table, method, columns and condition:
      """sql
      SELECT indrelid::regclass AS "table",
             string_agg(indexrelid::regclass || CASE WHEN indisunique THEN ' (unique)' ELSE '' END, ', '
                        ORDER BY indexrelid) AS indexes,
             pg_size_pretty(sum(pg_relation_size(indexrelid))) AS size
      FROM pg_index
      JOIN pg_class ON pg_class.oid = indexrelid
      WHERE indrelid >= 16384
      GROUP BY indrelid, relam, indkey::text, indclass::text, indcollation::text, indoption::text,
               coalesce(pg_get_expr(indexprs, indrelid), ''), coalesce(pg_get_expr(indpred, indrelid), '')
      HAVING count(*) > 1;
      """
    Then both indexes of the pair are listed

  @risk_mutating
  Scenario: Drop a duplicate and an unused index
    Given there are unused and duplicate indexes
    When I print their definitions, which are the way back:
      """sql
      SELECT pg_get_indexdef(indexrelid) || ';' AS definition
      FROM pg_index
      WHERE indexrelid IN (to_regclass('idx_bookings_user_again'), to_regclass('idx_bookings_payment_method'));
      """
    Then the definitions of both are shown
    # good without (1): the block prints the way back itself, right before it drops.
    When I drop the newer of the pair without blocking queries (within 5 minutes):
      """sql
      SELECT pg_get_indexdef('idx_bookings_user_again'::regclass) || ';' AS way_back;
      DROP INDEX CONCURRENTLY idx_bookings_user_again;
      """
    # good without (1, 2): it is another index, and the block prints the way back itself.
    And I drop the unused one (within 5 minutes):
      """sql
      SELECT pg_get_indexdef('idx_bookings_payment_method'::regclass) || ';' AS way_back;
      DROP INDEX CONCURRENTLY idx_bookings_payment_method;
      """
    Then the index idx_bookings_user_again is gone
    And the index idx_bookings_payment_method is gone
    And bookings are still found by customer through an index

  @risk_mutating @counter_example
  Scenario: An index that enforces a constraint cannot be dropped
    Given there are unused and duplicate indexes
    When I try to drop the index that keeps phones unique:
      """sql
      DROP INDEX CONCURRENTLY users_phone_key;
      """
    Then it is refused with exit code 3, saying:
      """
      constraint users_phone_key on table users requires it
      """
    And the unique phone of customers is still enforced
