@needs_nginx @needs_aws
Feature: Respond to an incident
  Four phases, each with a time limit. What a machine can check is a command; what only a person can do is a checkbox.

  @risk_readonly
  Scenario: In the first 5 minutes every part is checked
    Given the API is serving
    When a person acknowledges the alert in PagerDuty or Slack, and notes the time
    And I check the status of every part (within 1 minute):
      """bash
      beautycort health-checks health --format json
      """
    Then every health check is healthy
    When a person sets the severity by the table, and opens the incident channel
    And a person tells the stakeholders when it is HIGH or CRITICAL
    Then the API is serving

  @risk_readonly @alert_PlatformDown
  Scenario: A dependency that is down is found within 15 minutes
    Given twilio is failing
    And customers try to sign in
    When I try to check every part (within 1 minute):
      """bash
      beautycort health-checks health --format json
      """
    Then it ends with exit code 1
    And the check "External Dependencies" is unhealthy
    When I ask the API which dependency fails:
      """bash
      curl --fail-with-body -sS --max-time 10 "$API_BASE_URL/api/health/detailed"
      """
    Then the API's own report says "External Dependencies" is unhealthy
    When I count the latest errors in the log:
      """bash
      tail -n 2000 "$LOG_DIR/app.log" | python3 -c '
      import collections, json, sys
      entries = []
      for line in sys.stdin.buffer:
          try:
              entries.append(dict(json.loads(line)))
          except (TypeError, ValueError):
              continue  # no event: a stack trace, a banner
      errors = collections.Counter((e.get("path"), str(e.get("status", e.get("error")))) for e in entries if e.get("level") == "error")
      for (path, what), times in errors.most_common(10):
          print(times, path, what)
      '
      """
    Then the errors of "/api/auth/otp/request" with 502 are counted
    When a person looks at Sentry and New Relic for the same errors, and writes the findings to the incident channel
    Then twilio answers with 503

  @risk_readonly
  Scenario: A recent deployment is found
    Given a version was released an hour ago, and another one a week ago
    When I list what was changed in the last two hours, in a clone that was fetched just now:
      """bash
      (
        set -eu
        fetched=$(git -C "$APP_REPOSITORY" rev-parse --absolute-git-dir)/FETCH_HEAD
        if [ -z "$(find "$fetched" -mmin -10 2>/dev/null)" ]; then echo "this clone may be old: git fetch first"; exit 1; fi
        git -C "$APP_REPOSITORY" log --all --since="2 hours ago" --date=iso --format="%h %cd %an: %s %d"
      )
      """
    Then the release of an hour ago is listed, and the one of last week is not

  @risk_readonly
  Scenario: CPU, memory and disk are read
    Given the API is serving
    And CloudWatch knows the alarms of the platform
    When I read load, memory and disks of this host:
      """bash
      nproc
      cat /proc/loadavg
      grep -E '^(MemTotal|MemAvailable):' /proc/meminfo
      df -P -h / "$LOG_DIR"
      """
    Then the readings are those of this machine
    When I list the alarms that ring for any host:
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

  @risk_mutating @alert_PlatformDown
  Scenario: Apply the fix, and watch the recovery
    Given nginx is down
    And the alert PlatformDown rings
    When a person says in the incident channel what will be done, and who does it
    And I start what is down:
      """bash
      systemctl start nginx
      """
    And I wait until every part is healthy (within 2 minutes):
      """bash
      timeout 100 bash -c 'until beautycort health-checks health; do sleep 5; done'
      """
    Then nginx is running
    And the API is serving
    When a person watches error rate and response times for 15 minutes more, then ends the incident
    Then the API is serving
    And the alert PlatformDown falls silent again

  @risk_mutating @alert_DatabaseDown
  Scenario: A database that is down is started, and recovery is watched
    Given postgres is down
    And the alert DatabaseDown rings
    When a person says in the incident channel what will be done, and who does it
    And I start it (within 1 minute):
      """bash
      systemctl start postgresql
      """
    And I wait until every part is healthy (within 2 minutes):
      """bash
      timeout 100 bash -c 'until beautycort health-checks health; do sleep 5; done'
      """
    Then postgres is running
    And the API is serving
    And the alert DatabaseDown falls silent again
