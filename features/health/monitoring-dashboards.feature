@needs_aws
Feature: Monitoring dashboards
  People look at dashboards; alarms wake people. A command can tell whether every alarm exists, and which one is ringing.

  @risk_readonly
  Scenario: Every threshold has an alarm, and none is ringing
    Given CloudWatch knows the alarms of the platform
    When I list the alarms with threshold, state and action:
      """bash
      aws cloudwatch describe-alarms --alarm-name-prefix beautycort- \
        --query 'MetricAlarms[].[AlarmName,Threshold,Unit,StateValue,AlarmActions[0]]' --output text
      """
    Then these alarms watch the platform:
      | alarm                           | threshold | unit         |
      | beautycort-api-error-rate       | 5         | Percent      |
      | beautycort-api-response-time    | 2000      | Milliseconds |
      | beautycort-database-connections | 80        | Percent      |
      | beautycort-memory               | 85        | Percent      |
      | beautycort-cpu                  | 80        | Percent      |
    And every alarm tells somebody
    And no critical alarm is ringing
    When a person opens the dashboards and sees data from the last five minutes on each of them

  @risk_readonly @alert_AlarmRinging
  Scenario: An alarm that rings is found, with its reason
    Given the alarm beautycort-cpu is ringing
    When I list the alarms that are ringing:
      """bash
      (
        set -eu -o pipefail
        watched=$(aws cloudwatch describe-alarms --alarm-name-prefix beautycort- --query 'MetricAlarms[].AlarmName' --output text | wc -w)
        if [ "$watched" -eq 0 ]; then echo "no alarm beautycort-… is here: are account, region and names right?" >&2; exit 1; fi
        aws cloudwatch describe-alarms --state-value ALARM --output text \
          --query 'MetricAlarms[?starts_with(AlarmName, `beautycort-`)].[AlarmName,StateUpdatedTimestamp,StateReason]'
      )
      """
    Then the answer lists the alarm beautycort-cpu and no other
    And CloudWatch says that only beautycort-cpu is ringing

  @risk_mutating
  Scenario: Find a missing alarm, and create it again
    Given the alarm beautycort-cpu is missing
    When I list the alarms that exist:
      """bash
      aws cloudwatch describe-alarms --alarm-name-prefix beautycort- --query 'MetricAlarms[].AlarmName' --output text
      """
    Then the answer does not list the alarm beautycort-cpu
    # good without (1): the block looks itself that the alarm is missing.
    When I create it again, with the source and the action of another alarm:
      """bash
      (
        set -eu -o pipefail
        there=$(aws cloudwatch describe-alarms --alarm-names beautycort-cpu --query 'length(MetricAlarms)')
        if [ "$there" -ne 0 ]; then echo "beautycort-cpu is there: it would be written over"; exit 1; fi
        like() { aws cloudwatch describe-alarms --alarm-names beautycort-memory --output "$1" --query "MetricAlarms[0].$2"; }
        tells=$(like text AlarmActions)
        namespace=$(like text Namespace)
        dimensions=$(like json Dimensions)
        measured=$(aws cloudwatch list-metrics --namespace "$namespace" --metric-name CPUUtilization --dimensions "$dimensions" \
          --query 'Metrics[].MetricName' --output text | wc -w)
        if [ "$measured" -eq 0 ]; then echo "nothing measures CPUUtilization in $namespace: this alarm would ring for ever"; exit 1; fi
        aws cloudwatch put-metric-alarm --alarm-name beautycort-cpu --metric-name CPUUtilization \
          --namespace "$namespace" --dimensions "$dimensions" --statistic Average --unit Percent \
          --comparison-operator GreaterThanThreshold --threshold 80 --period 60 --evaluation-periods 3 \
          --treat-missing-data breaching --alarm-actions $(echo "$tells")
      )
      """
    Then the alarm beautycort-cpu rings above 80 Percent, and when there is no data
    And every alarm tells somebody

  @risk_mutating @needs_postgres @alert_ReadingFails @alert_Watchdog
  Scenario: An exporter that cannot read the database reads it again
    Given the alert Watchdog rings
    And the database has lost the extension pg_stat_statements
    And the alert ReadingFails rings
    When I look for what the exporter reads:
      """sql
      SELECT name AS extension, installed_version, current_setting('shared_preload_libraries') AS loaded
      FROM pg_available_extensions
      WHERE name = 'pg_stat_statements';
      """
    Then the extension is listed without an installed version
    # good without (1): where the extension is there, nothing is created.
    When I create it again, as administrator:
      """bash
      PGUSER="${ADMIN_USER:?}" PGPASSWORD="${ADMIN_PASSWORD:?}" psql -X -v ON_ERROR_STOP=1 <<'SQL'
      CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
      SQL
      """
    Then statements are counted again
    And the alert ReadingFails falls silent again

  @risk_mutating @alert_MonitoringBlind
  Scenario: An exporter that has ended is started again
    Given the exporter of Redis has ended
    And the alert MonitoringBlind rings
    When I ask on its host whether it runs:
      """bash
      systemctl --no-pager status "${EXPORTER:?}" || test $? -eq 3
      """
    Then it does not run
    # good without (1): to start an exporter anew is right whether it runs or not.
    When I start it anew, also if it runs and does not answer:
      """bash
      systemctl restart "${EXPORTER:?}"
      """
    Then Prometheus reads it again
    And the alert MonitoringBlind falls silent again
