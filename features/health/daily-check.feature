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
    When I read how many requests failed in the last 24 hours:
      """bash
      curl --fail-with-body -sS --max-time 10 "$API_BASE_URL/api/metrics"
      """
    And I list the alarms that are ringing:
      """bash
      aws cloudwatch describe-alarms --alarm-name-prefix beautycort- --state-value ALARM \
        --query 'MetricAlarms[].[AlarmName,StateReason]' --output text
      """
    Then the error rate of the last 24 hours is below 1 %
    And no critical alarm is ringing

  @risk_mutating
  Scenario: A customer can sign in, search, book and pay
    Given the API is serving
    When I run the smoke tests (within 2 minutes):
      """bash
      beautycort health-checks smoke --format json
      """
    Then every smoke test passed

  @risk_destructive @alert_HealthCheckFailed
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
