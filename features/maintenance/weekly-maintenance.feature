@needs_nginx @needs_aws
Feature: Weekly maintenance
  Sundays at 2:00 (Asia/Amman): backups, dependencies, performance, then logs. Nothing is updated on production,
  and nothing is deleted that a review needs.

  @risk_mutating
  Scenario: Restore every backup of the week
    Given a verified backup
    When I restore each backup into a scratch database, and compare (within 30 minutes):
      """bash
      beautycort database-backup verify-all --format json
      """
    Then every backup in the report is good
    And no scratch database is left

  @risk_mutating
  Scenario: A damaged backup turns the check red, and is named
    Given a verified backup
    And the backup is changed by one byte
    When I try to restore each backup into a scratch database (within 30 minutes):
      """bash
      beautycort database-backup verify-all --format json
      """
    Then it ends with exit code 1
    And the report names the damaged backup and no other

  @risk_mutating
  Scenario: Find dependencies that were changed on the host, and put them back
    Given somebody updated a dependency on the host
    When I try to compare the lock file with what was reviewed:
      """bash
      git -C "${APP_REPOSITORY:?}" diff --exit-code -- package.json package-lock.json
      """
    Then it ends with exit code 1
    When I keep the difference, and put back what was reviewed:
      """bash
      (
        set -eu
        git -C "${APP_REPOSITORY:?}" diff -- package.json package-lock.json > dependencies.patch
        git -C "$APP_REPOSITORY" checkout -- package.json package-lock.json
        git -C "$APP_REPOSITORY" diff --exit-code -- package.json package-lock.json
      )
      """
    And a person reads the audit of the dependencies in CI, and opens a pull request for what is moderate or worse
    Then the lock file is the one that was reviewed

  @risk_mutating @requires_trivy
  Scenario: Scan the image that runs for known vulnerabilities
    Given the API is serving
    When I scan the image that is deployed (within 10 minutes):
      """bash
      (
        set -eu -o pipefail
        image=$(docker inspect --format '{{.Image}}' "$(docker compose ps -q api | sed -n 1p)")
        trivy image --severity HIGH,CRITICAL --exit-code 1 --format json --output scan.json "${image:?}"
      )
      """
    Then the report of the scan names no vulnerability

  @risk_readonly
  Scenario: The slowest endpoints and the most expensive queries are read
    Given the API is serving
    And a day of traffic was counted
    When I read the five queries that cost the most:
      """sql
      SELECT calls, round(total_exec_time) AS total_ms, round(mean_exec_time::numeric, 1) AS mean_ms, left(query, 60) AS query
      FROM pg_stat_statements
      ORDER BY total_exec_time DESC
      LIMIT 5;
      """
    And I read the five slowest endpoints of the last 24 hours:
      """bash
      curl --fail-with-body -sS --max-time 10 "$API_BASE_URL/api/metrics" | python3 -c '
      import json, sys
      rows = json.load(sys.stdin)["by_endpoint"]
      for row in sorted(rows, key=lambda row: -row["mean_ms"])[:5]:
          print(row["mean_ms"], "ms", row["requests"], "requests", row["endpoint"])
      '
      """
    Then the slowest endpoint comes first

  @risk_mutating
  Scenario: Compress old logs, and lose nothing that a review needs
    Given logs were rotated ten days ago, and one yesterday
    When I compress what was rotated more than seven days ago; open logs and security logs stay as they are:
      """bash
      find "${LOG_DIR:?}" -type f -name 'app.log.*' ! -name '*.gz' -mtime +7 -print -exec gzip {} +
      """
    Then the old application log can still be read, compressed
    And the open logs, the security log and the log of yesterday are as they were
