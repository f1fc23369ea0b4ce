@needs_nginx
Feature: Database connections of the application
  Requests get 503 although the database is healthy: the application's own pools have no free connection.

  @risk_readonly @alert_ConnectionPoolExhausted
  Scenario: The exhausted pool and the session that blocks it are found
    Given the connection pools are exhausted by a session that was forgotten
    When I read which requests got no connection:
      """bash
      grep -E '"error": ?"PoolTimeout"' "$LOG_DIR/app.log" | tail -n 20
      """
    Then the log names the pool that timed out
    When I count the application's connections, and list who blocks them:
      """sql
      SELECT application_name, state, wait_event_type, count(*)
      FROM pg_stat_activity
      WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
      GROUP BY 1, 2, 3 ORDER BY 4 DESC;

      SELECT pid, application_name, state, now() - xact_start AS open_for
      FROM pg_stat_activity
      WHERE pid IN (SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock')
        AND cardinality(pg_blocking_pids(pid)) = 0;
      """
    Then all connections of the slots wait for a lock, and the session that holds it is named

  @risk_destructive
  Scenario: End the session that blocks the pools
    Given the connection pools are exhausted by a session that was forgotten
    And the alert ConnectionPoolExhausted rings
    And a customer keeps sending requests
    When I end the sessions that block others and have done nothing for a minute:
      """sql
      \set blocks_for '1 minute'
      \getenv blocks_for BLOCKS_FOR
      SELECT pid, application_name, now() - state_change AS idle, pg_terminate_backend(pid) AS ended
      FROM pg_stat_activity
      WHERE state = 'idle in transaction'
        AND state_change < now() - :'blocks_for'::interval
        AND datname = current_database() AND application_name !~ '^(pg_dump|beautycort database-backup)'
        AND pid IN (SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock');
      """
    Then every slot answers from the database
    And that customer was answered all the time
    And the alert ConnectionPoolExhausted falls silent again

  @risk_mutating @counter_example
  Scenario: A restart does not help while the lock is held
    Given the connection pools are exhausted by a session that was forgotten
    When I restart one slot (within 1 minute):
      """bash
      docker restart beautycort-api-1
      """
    Then the slot that was restarted cannot answer from the database either

  @risk_mutating
  Scenario: Enlarge a pool that is too small, while customers are served
    Given the connection pools are too small for many customers at once
    And a customer keeps sending requests
    When I read the size of the pools, and how many connections are free:
      """bash
      grep -n -E '^DB_POOL_' "${API_ENV_FILE:?}" && psql -X -At -v ON_ERROR_STOP=1 -c "
        SELECT current_setting('max_connections')::int - count(*)
               - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true)::int, 0) AS left
        FROM pg_stat_activity WHERE backend_type = 'client backend'"
      """
    # good without (1): the number is what you set as POOL_SIZE, and a pool that is no larger is refused.
    And I give each instance as many more as you decide, and create them anew while others serve (within 4 minutes):
      """bash
      (
        set -eu -o pipefail
        count=$(docker compose ps -q api | wc -l)
        if [ "$count" -lt 2 ]; then echo "one instance alone serves: start one more first"; exit 1; fi
        now=$(sed -n 's/^DB_POOL_SIZE=//p' "$API_ENV_FILE" | tail -n 1)
        echo "each instance has ${now:?} connections; wanted: ${POOL_SIZE:?}"
        test "$POOL_SIZE" -gt "$now"
        grep -q '^DB_POOL_TIMEOUT_S=' "$API_ENV_FILE"
        sed -i -e "s/^DB_POOL_SIZE=.*/DB_POOL_SIZE=$POOL_SIZE/" \
          -e "s/^DB_POOL_TIMEOUT_S=.*/DB_POOL_TIMEOUT_S=${POOL_TIMEOUT_S:?}/" "$API_ENV_FILE"
        docker compose up -d --no-deps --no-recreate --scale "api=$(((count + 1) / 2))" api
        docker compose up -d --no-deps --no-recreate --scale "api=$count" api
        for slot in $(echo "$API_SLOTS"); do
          curl --fail -sS -o /dev/null --max-time 5 --retry 20 --retry-delay 1 --retry-connrefused "$slot/api/health"
        done
        docker compose up -d --no-deps --scale "api=$count" api
        for slot in $(echo "$API_SLOTS"); do
          curl --fail -sS -o /dev/null --max-time 5 --retry 20 --retry-delay 1 --retry-connrefused "$slot/api/health"
        done
        for number in $(seq "$(docker compose ps -q api | wc -l)"); do
          docker compose exec -T --index "$number" api printenv DB_POOL_SIZE
        done
      )
      """
    Then that customer was answered all the time
    And no request is refused when many customers come at once
