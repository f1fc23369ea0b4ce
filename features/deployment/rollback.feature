@needs_nginx @needs_aws
Feature: Roll back a deployment
  A release causes trouble. Four criteria, computed from real requests, say so; one command goes back.

  @risk_mutating @alert_DeploymentFailed
  Scenario: The criteria call for a rollback
    Given version 1.3.0 was deployed on every slot and it fails
    And customers keep looking at the categories
    When I try to watch the error rate (within 10 minutes):
      """bash
      beautycort rollback-manager watch --minutes 6 --format json
      """
    Then it ends with exit code 1
    And the criterion "error rate" fires
    When I try to compute all four criteria (within 2 minutes):
      """bash
      beautycort rollback-manager assess --window "${DEPLOYED_AT:-15m}" --format json
      """
    Then it ends with exit code 1
    And the criterion "a critical feature" fires
    And the criterion "a security incident" does not fire

  @risk_mutating
  Scenario: A healthy release stays
    Given customers have looked at the categories
    And version 1.3.0 was deployed on every slot and it works
    And customers have looked at the categories
    When I compute all four criteria (within 2 minutes):
      """bash
      beautycort rollback-manager assess --window "${DEPLOYED_AT:-15m}" --format json
      """
    Then the criterion "a critical feature" does not fire
    And the criterion "a security incident" does not fire

  @risk_readonly
  Scenario: Response times above twice the baseline call for a rollback
    Given the response time before the deployment is known
    And version 1.3.0 was deployed on every slot and it is slow
    And customers keep looking at the categories
    When I try to watch the response time against the baseline (within 15 minutes):
      """bash
      beautycort rollback-manager watch --minutes 12 --baseline-ms "${BASELINE_MS:?}" --format json
      """
    Then it ends with exit code 1
    And the criterion "response time" fires
    And the criterion "error rate" does not fire

  @risk_readonly
  Scenario: A security incident alone calls for a rollback
    Given the alarm beautycort-security-incident was raised
    When I try to compute the criteria, without the smoke tests:
      """bash
      beautycort rollback-manager assess --no-smoke --format json
      """
    Then it ends with exit code 1
    And the criterion "a security incident" fires

  @risk_destructive
  Scenario: Roll back to the previous release
    Given version 1.3.0 was deployed on every slot and it fails
    And customers have looked at the categories
    When I roll back, and say why (within 20 minutes):
      """bash
      beautycort rollback-manager rollback "High error rate detected" --format json
      """
    Then the rollback reports "rolled back to 1.1.0"
    And the step "Database Rollback" of the rollback is skipped
    And every slot runs version 1.1.0
    And customers can look at the categories again, at every slot
    And the proxy sends requests to every slot
    And the record says that 1.3.0 was rolled back to 1.1.0
    And the channel #deployments was told that Rolled back from 1.3.0 to 1.1.0
    # good without (1): it looks at the platform as a test customer does, whichever release serves.
    When I make sure that the platform is healthy (within 2 minutes):
      """bash
      beautycort health-checks all --format json
      """
    Then every health check is healthy
    And every smoke test passed
    # good without (1, 2): a rollback that failed is run again; it begins where the platform is, and asks before it
    #   begins.
    When I run the same rollback again:
      """bash
      beautycort rollback-manager rollback "High error rate detected" --format json
      """
    Then the rollback reports "already on 1.1.0"

  @risk_readonly @counter_example
  Scenario: Nothing is rolled back until the target is named
    Given nobody answers the question that a command asks
    And the version of every slot is noted
    When I try to roll back without naming the target:
      """bash
      beautycort rollback-manager rollback "High error rate detected"
      """
    Then it is refused with exit code 3, saying:
      """
      this replaces the running release by the previous one
      """
    And every slot runs the version that it ran before

  @risk_mutating
  Scenario: Without a backup from before the deployment the database is not rolled back
    Given version 1.3.0 was deployed on every slot and it fails
    And no backup is older than the deployment
    When I try to roll back the database as well (within 20 minutes):
      """bash
      beautycort rollback-manager rollback "Migration 42 destroyed prices" --with-database --format json
      """
    Then it ends with exit code 1
    And the step "Pre-rollback Validation" of the rollback is failed
    And the step "Stop Traffic" of the rollback is not reached
    And every slot runs version 1.3.0
    And the proxy sends requests to every slot
