@needs_nginx @needs_aws
Feature: Pre-deployment checks
  Deploy only when everything is green: the CI, production and staging, and no incident is open.

  @risk_readonly
  Scenario: Everything is green, and the deployment may begin
    Given CloudWatch knows the alarms of the platform
    When I list the last 5 workflow runs of main:
      """bash
      beautycort ci runs --branch main --limit 5
      """
    And I look at the health of production (within 1 minute):
      """bash
      beautycort health-checks health --format json
      """
    Then every health check is healthy
    When I look at the health of staging:
      """bash
      curl --fail-with-body -sS --max-time 10 "$STAGING_API_URL/api/health"
      """
    Then staging says that it is healthy
    When I list the alarms that are ringing:
      """bash
      (
        set -eu -o pipefail
        watched=$(aws cloudwatch describe-alarms --alarm-name-prefix beautycort- --query 'MetricAlarms[].AlarmName' --output text | wc -w)
        if [ "$watched" -eq 0 ]; then echo "no alarm beautycort-… is here: are account, region and names right?" >&2; exit 1; fi
        aws cloudwatch describe-alarms --state-value ALARM --output text \
          --query 'MetricAlarms[?starts_with(AlarmName, `beautycort-`)].[AlarmName,StateReason]'
      )
      """
    Then no critical alarm is ringing

  @risk_readonly @manual
  Scenario: Nobody is working on an incident
    When a person looks at PagerDuty and #alerts-critical: no incident is open, and nobody else is deploying
    Then the API is serving

  @risk_readonly
  Scenario: A red CI stops the deployment
    Given the newest workflow run of main failed
    When I try to list the last 5 workflow runs of main:
      """bash
      beautycort ci runs --branch main --limit 5 --format json
      """
    Then it ends with exit code 1
    And the newest run it reports is a failure

  @risk_readonly
  Scenario: No answer from GitHub does not count as green
    Given github answers every request with an error
    When I try to list the last 5 workflow runs of main:
      """bash
      beautycort ci runs --branch main --limit 5
      """
    Then it is refused with exit code 4, saying:
      """
      GitHub answers 503
      """

  @risk_readonly
  Scenario: Staging that is down ends the command with an error
    Given staging answers every request with an error
    When I try to look at the health of staging:
      """bash
      curl --fail-with-body -sS --max-time 10 "$STAGING_API_URL/api/health"
      """
    Then it ends with exit code 22

  @risk_readonly
  Scenario: An alarm that rings stops the deployment
    Given the alarm beautycort-api-error-rate is ringing
    When I list the alarms that are ringing:
      """bash
      (
        set -eu -o pipefail
        watched=$(aws cloudwatch describe-alarms --alarm-name-prefix beautycort- --query 'MetricAlarms[].AlarmName' --output text | wc -w)
        if [ "$watched" -eq 0 ]; then echo "no alarm beautycort-… is here: are account, region and names right?" >&2; exit 1; fi
        aws cloudwatch describe-alarms --state-value ALARM --output text \
          --query 'MetricAlarms[?starts_with(AlarmName, `beautycort-`)].[AlarmName]'
      )
      """
    Then the answer lists the alarm beautycort-api-error-rate and no other
