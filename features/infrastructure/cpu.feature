@needs_nginx @needs_aws @alert_CpuHigh
Feature: CPU is used up
  Name the process first. More instances help against many customers, not against one loop without an end.

  @risk_readonly
  Scenario: The host is measured, with its load and its cores
    When I measure the processor for a second:
      """bash
      beautycort host cpu --seconds 1 --format json || test $? -eq 1
      """
    Then the numbers are those of this host

  @risk_readonly
  Scenario: The process that spins is named
    Given a process takes a whole processor
    When I measure which processes take the processor now:
      """bash
      beautycort host cpu --seconds 2 --format json || test $? -eq 1
      """
    Then that process is among those that take most of the processor

  @risk_mutating
  Scenario: The process that spins is ended
    Given a process takes a whole processor
    When I measure which processes take the processor now:
      """bash
      beautycort host cpu --seconds 2 --matching "$SUSPECT" --format json || test $? -eq 1
      """
    And I take processes[0].pid from the answer as SPINNING_PID
    And I let everything else go first:
      """bash
      renice -n 19 -p "$SPINNING_PID"
      """
    And I end it, in order:
      """bash
      kill -TERM "$SPINNING_PID"
      """
    Then that process is gone
    And the API is serving

  @risk_mutating
  Scenario: A third instance takes its share of the customers
    Given 2 instances serve customers
    And customers keep asking
    When I get ready to go back to two instances (within 2 minutes):
      """bash
      docker compose up -d --no-deps --no-recreate --scale api=2 api
      """
    And I start one more instance (within 2 minutes):
      """bash
      docker compose up -d --no-deps --no-recreate --scale api=3 api
      """
    Then customers are answered by 3 instances
    And no customer got an error meanwhile
