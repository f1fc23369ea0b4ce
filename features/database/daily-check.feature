@needs_nginx
Feature: Daily database check
  Three questions every morning: does it answer, is a query slow, are connections free?

  @risk_readonly
  Scenario: The database answers, no query is slow, and connections are free
    Given a quiet day of queries was counted
    When I ask the API for the health of its database:
      """bash
      (
        set -eu -o pipefail
        curl --fail-with-body -sS --max-time 10 "$API_BASE_URL/api/health/detailed" \
          | python3 -c 'import json, sys
      checks = json.load(sys.stdin)["checks"]
      print(json.dumps(next(check for check in checks if check["name"] == "Database Health")))'
      )
      """
    Then the API says that its database is healthy
    When I list the queries that take more than 1000 ms:
      """sql
      SELECT round(mean_exec_time) AS mean_ms, round(max_exec_time) AS max_ms, calls,
             left(regexp_replace(query, '\s+', ' ', 'g'), 100) AS query
      FROM pg_stat_statements
      JOIN pg_database ON pg_database.oid = dbid
      WHERE datname = current_database() AND mean_exec_time > 1000
      ORDER BY mean_exec_time DESC
      LIMIT 20;
      """
    Then no query takes more than a second on average
    When I count connections against the maximum:
      """bash
      psql -X -At -v ON_ERROR_STOP=1 <<'SQL'
      SELECT json_build_object(
        'used', count(*),
        'active', count(*) FILTER (WHERE state = 'active'),
        'max', current_setting('max_connections')::int,
        'usedPercent', round(100.0 * count(*) / current_setting('max_connections')::int))
      FROM pg_stat_activity
      WHERE backend_type = 'client backend';
      SQL
      """
    Then less than 80 % of the connections are used

  @risk_readonly
  Scenario: A query above 1000 ms is found
    Given a query took more than a second
    When I list the queries that take more than 1000 ms:
      """sql
      SELECT round(mean_exec_time) AS mean_ms, round(max_exec_time) AS max_ms, calls,
             left(regexp_replace(query, '\s+', ' ', 'g'), 100) AS query
      FROM pg_stat_statements
      JOIN pg_database ON pg_database.oid = dbid
      WHERE datname = current_database() AND mean_exec_time > 1000
      ORDER BY mean_exec_time DESC
      LIMIT 20;
      """
    Then the query that takes more than a second is listed

  @risk_readonly @alert_DatabaseConnectionsHigh
  Scenario: Connections above 80 % are found
    Given four fifths of the connections are in use
    When I count connections against the maximum:
      """bash
      psql -X -At -v ON_ERROR_STOP=1 <<'SQL'
      SELECT json_build_object(
        'used', count(*),
        'active', count(*) FILTER (WHERE state = 'active'),
        'max', current_setting('max_connections')::int,
        'usedPercent', round(100.0 * count(*) / current_setting('max_connections')::int))
      FROM pg_stat_activity
      WHERE backend_type = 'client backend';
      SQL
      """
    Then 80 % or more of the connections are counted

  @risk_readonly
  Scenario: A database that does not answer ends the check with an error
    Given postgres is down
    When I try to ask the API for the health of its database:
      """bash
      (
        set -eu -o pipefail
        curl --fail-with-body -sS --max-time 10 "$API_BASE_URL/api/health/detailed" \
          | python3 -c 'import json, sys
      checks = json.load(sys.stdin)["checks"]
      print(json.dumps(next(check for check in checks if check["name"] == "Database Health")))'
      )
      """
    Then it ends with exit code 22
    And the API says that it cannot serve

  @risk_readonly @needs_aws
  Scenario: Backups that stopped are found
    Given the newest backup is three days old
    When I try to look how the backups stand:
      """bash
      beautycort database-backup status
      """
    Then it ends with exit code 1
    And it says how old the newest backup is
