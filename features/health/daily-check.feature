@needs_nginx @needs_aws
Feature: Daily health check
  Every morning at 9:00 (Asia/Amman): is the platform healthy, fast, and quiet?

  @risk_readonly
  Scenario: The platform is healthy
    Given the API is serving
    When I run every health check (within 1 minute):
      """bash
      beautycort health-checks health
      """
    And I look at the API's own report:
      """bash
      curl --fail-with-body -sS --max-time 10 "$API_BASE_URL/api/health/detailed"
      """
    And I ask for the report that a machine reads (within 1 minute):
      """bash
      beautycort health-checks health --format json
      """
    Then every health check is healthy
    And the health report has 10 checks
    And the health endpoint answers in less than 200 ms

  @risk_readonly
  Scenario: The last 24 hours were quiet
    Given the API is serving
    And a day of traffic was counted
    And CloudWatch knows the alarms of the platform
    When I read how many requests failed in the last 24 hours:
      """bash
      curl --fail-with-body -sS --max-time 10 "$API_BASE_URL/api/metrics"
      """
    And I list the alarms that are ringing:
      """bash
      (
        set -eu -o pipefail
        watched=$(aws cloudwatch describe-alarms --alarm-name-prefix beautycort- --query 'MetricAlarms[].AlarmName' --output text | wc -w)
        if [ "$watched" -eq 0 ]; then echo "no alarm beautycort-… is here: are account, region and names right?" >&2; exit 1; fi
        aws cloudwatch describe-alarms --state-value ALARM --output text \
          --query 'MetricAlarms[?starts_with(AlarmName, `beautycort-`)].[AlarmName,StateReason]'
      )
      """
    Then the error rate of the last 24 hours is below 1 %
    And no critical alarm is ringing

  @risk_readonly
  Scenario: Failed requests are found, with their endpoint
    Given many requests failed in the last 24 hours
    When I read which endpoint failed how often, the worst first:
      """bash
      curl --fail-with-body -sS --max-time 10 "$API_BASE_URL/api/metrics" | python3 -c '
      import json, sys
      metrics = json.load(sys.stdin)
      print(metrics["error_rate_percent"], "% of", metrics["requests_24h"], "requests failed")
      for row in metrics["by_endpoint"][:5]:
          print(row["errors"], "of", row["requests"], row["endpoint"], row["mean_ms"], "ms")
      '
      """
    Then the error rate of the last 24 hours is 1 % or more
    And the answer puts the endpoint that failed most often first

  @risk_mutating
  Scenario: A customer can sign in, search, book and pay
    Given the API is serving
    When I run the smoke tests (within 2 minutes):
      """bash
      beautycort health-checks smoke --format json
      """
    Then every smoke test passed

  @risk_readonly
  Scenario: A slow answer is found, and the part that is slow
    Given the health endpoint is slow because the table users is locked again and again
    When I measure the health endpoint three times:
      """bash
      for _ in 1 2 3; do
        curl --fail -sS -o /dev/null --max-time 10 -w '%{time_total} s\n' "$API_BASE_URL/api/health"
      done
      """
    Then the median of the measured times is 200 ms or more
    When I ask which part takes how long:
      """bash
      curl --fail-with-body -sS --max-time 10 "$API_BASE_URL/api/health/detailed"
      """
    Then the slowest part of the report is "Database Health"

  @risk_readonly
  Scenario: An API that cannot serve ends the command with an error
    Given redis is down
    When I try to look at the API's own report:
      """bash
      curl --fail-with-body -sS --max-time 10 "$API_BASE_URL/api/health"
      """
    Then it ends with exit code 22
    And the API says that it cannot serve

  @risk_readonly @alert_HealthCheckFailed
  Scenario Outline: The check names the part that is down
    Given <service> is down
    When I try to run every health check (within 30 seconds):
      """bash
      beautycort health-checks health --format json
      """
    Then it ends with exit code 1
    And the check "<check>" is unhealthy

    Examples:
      | service  | check           |
      | redis    | Redis Health    |
      | postgres | Database Health |
      | nginx    | API Health      |
