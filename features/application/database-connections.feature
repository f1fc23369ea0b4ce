@needs_nginx
Feature: Database connections of the application
  Requests get 503 although the database is healthy: the application's own pools have no free connection.

  @risk_readonly @alert_ConnectionPoolExhausted
  Scenario: The exhausted pool and the session that blocks it are found
    Given the connection pools are exhausted by a session that was forgotten
    When I read which requests got no connection:
      """bash
      grep '"error": "PoolTimeout"' "$LOG_DIR/app.log" | tail -n 20
      """
    Then the log names the pool that timed out
    When I count the application's connections, and list who blocks them:
      """sql
      SELECT application_name, state, wait_event_type, count(*)
      FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
      GROUP BY 1, 2, 3 ORDER BY 4 DESC;

      SELECT pid, application_name, state, now() - xact_start AS open_for
      FROM pg_stat_activity
      WHERE pid IN (SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock')
        AND cardinality(pg_blocking_pids(pid)) = 0;
      """
    Then all connections of the slots wait for a lock, and the session that holds it is named

  @risk_mutating
  Scenario: The blocking session is ended, and no slot needs a restart
    Given the connection pools are exhausted by a session that was forgotten
    And a customer keeps sending requests
    When I end the sessions that block others and do nothing themselves:
      """sql
      SELECT pid, application_name, pg_terminate_backend(pid)
      FROM pg_stat_activity
      WHERE state = 'idle in transaction'
        AND pid IN (SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock');
      """
    Then every slot answers from the database
    And that customer was answered all the time

  @risk_mutating
  Scenario: A restart does not help while the lock is held
    Given the connection pools are exhausted by a session that was forgotten
    When I restart one slot (within 1 minute):
      """bash
      docker restart beautycort-api-1
      """
    Then the slot that was restarted cannot answer from the database either

  @risk_mutating
  Scenario: A pool that is too small is enlarged, slot by slot, while customers are served
    Given the connection pools are too small for many customers at once
    And a customer keeps sending requests
    When I read the size of the pools, and how many connections are free:
      """bash
      grep -n -E '^DB_POOL_' "$API_ENV_FILE"
      psql -X -At -c "SELECT current_setting('max_connections')::int - count(*) AS left FROM pg_stat_activity"
      """
    And I give each slot five connections, and restart the slots one after the other (within 2 minutes):
      """bash
      (
        set -e
        grep -n '^DB_POOL_SIZE=' "$API_ENV_FILE"
        sed -i -e 's/^DB_POOL_SIZE=.*/DB_POOL_SIZE=5/' -e 's/^DB_POOL_TIMEOUT_S=.*/DB_POOL_TIMEOUT_S=2/' "$API_ENV_FILE"
        for number in $(seq "$(wc -w <<<"$API_SLOTS")"); do
          docker restart "beautycort-api-$number"
          slot=$(echo "$API_SLOTS" | cut -d' ' -f"$number")
          curl --fail-with-body -sS -o /dev/null --max-time 5 --retry 20 --retry-delay 1 --retry-connrefused "$slot/api/health"
        done
      )
      """
    Then that customer was answered all the time
    And no request is refused when many customers come at once
