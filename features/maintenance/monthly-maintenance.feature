@needs_nginx @needs_aws
Feature: Monthly maintenance
  First Sunday of the month: certificate, dependencies, database, security review, and a restore for real.

  @risk_readonly
  Scenario: The served certificate is valid for at least 30 days
    Given the API is serving
    When I try to run every health check, because only two of them count here (within 1 minute):
      """bash
      beautycort health-checks health --format json
      """
    Then the check "SSL Certificate" is healthy
    And the check "Security Headers" is healthy

  @risk_mutating
  Scenario: Restore the newest backup for real, beside the live database
    Given a verified backup
    When I list when each backup was last verified:
      """bash
      beautycort database-backup list
      """
    # good without (1): it restores into a database of its own; the list is for the person who reads it.
    And I restore the newest backup into a scratch database, and compare (within 10 minutes):
      """bash
      beautycort database-backup verify-latest --format json
      """
    Then every backup in the report is good
    And no scratch database is left
    And the live database was not touched

  @risk_mutating
  Scenario: A backup that cannot be restored ends the test with an error
    Given a verified backup
    And the backup is cut short
    When I try to restore the newest backup into a scratch database (within 10 minutes):
      """bash
      beautycort database-backup verify-latest --format json
      """
    Then it ends with exit code 1
    And the report names the damaged backup and no other
    And no scratch database is left

  @risk_readonly
  Scenario: The security review finds who probed the API
    Given somebody probed paths that no customer requests
    When I count the events of the security log, by kind and client:
      """bash
      python3 -c '
      import collections, json, os
      events = []
      for line in open(os.environ["LOG_DIR"] + "/security.log", "rb"):
          try:
              events.append(dict(json.loads(line)))
          except (TypeError, ValueError):
              continue  # no event: a stack trace, a banner
      counted = collections.Counter((e.get("event", "?"), e.get("ip", "?")) for e in events)
      for (event, client), count in counted.most_common():
          print(count, event, client)
      '
      """
    And a person reviews the access logs, the security policies and the list of who has access, and decides whether secrets are rotated
    Then the review names the client that probed the API
