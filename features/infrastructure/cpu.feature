@needs_nginx @needs_aws @alert_CpuHigh
Feature: CPU is used up
  Find the process first. More instances help against more traffic, not against one endless loop.

  @risk_readonly
  Scenario: CPU and load are read
    When I measure the CPU for a second:
      """bash
      beautycort host cpu --seconds 1 --format json || test $? -eq 1
      """
    Then the numbers are those of this host

  @risk_readonly
  Scenario: The process that uses the CPU is found
    Given a process uses a whole CPU core
    When I measure which processes use the CPU now:
      """bash
      beautycort host cpu --seconds 2 --format json || test $? -eq 1
      """
    Then that process is among those that use the most CPU

  @risk_mutating
  Scenario: End the process that uses the CPU
    Given a process uses a whole CPU core
    And the alert CpuHigh rings
    When I make sure that exactly one process is meant, and none that the platform lives on:
      """bash
      beautycort host suspect "${SUSPECT:?}" --seconds 2 --format json
      """
    And I take pid from the answer as SPINNING_PID
    And I lower its priority:
      """bash
      renice -n 19 -p "${SPINNING_PID:?}"
      """
    # good without (2): the lower priority is only the gentler step before.
    And I end it, and let it clean up:
      """bash
      kill -TERM "${SPINNING_PID:?}"
      """
    Then that process is gone
    And the API is serving
    And the alert CpuHigh falls silent again

  @risk_mutating
  Scenario: Start one more instance to share the traffic
    Given 2 instances serve customers
    And customers keep sending requests
    When I count the instances that there are:
      """bash
      (
        set -eu -o pipefail
        count=$(docker compose ps -q api | wc -l)
        test "$count" -gt 0
        printf '{"instances": %d}\n' "$count"
      )
      """
    And I take instances from the answer as INSTANCES
    And I get ready to go back to that number (within 2 minutes):
      """bash
      docker compose up -d --no-deps --no-recreate --scale "api=${INSTANCES:?}" api
      """
    And I start one more instance (within 2 minutes):
      """bash
      docker compose up -d --no-deps --no-recreate --scale "api=$((${INSTANCES:?} + 1))" api
      """
    Then customers are answered by 3 instances
    And no customer got an error meanwhile
