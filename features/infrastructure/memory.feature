@needs_nginx @needs_aws @alert_MemoryHigh
Feature: Memory is used up
  A big process is not a leak: a leak grows. Measure twice, restart one instance at a time.

  @risk_readonly
  Scenario: Memory and out-of-memory kills are read
    When I read memory, the biggest processes and the out-of-memory kills:
      """bash
      beautycort host memory --seconds 0.5 --format json || test $? -eq 1
      """
    Then the numbers are those of this host

  @risk_readonly
  Scenario: A leak is told from a process that is simply large
    Given a process leaks memory
    When I measure for ten minutes which processes grow each time (within 11 minutes):
      """bash
      beautycort host growth --minutes 10 --format json
      """
    Then that process is the one that grows most

  @risk_mutating
  Scenario: End the leaking process
    Given a process leaks memory
    And the alert MemoryHigh rings
    When I make sure that exactly one process is meant, and none that the platform lives on:
      """bash
      beautycort host suspect "${SUSPECT:?}" --seconds 1 --format json
      """
    And I take pid from the answer as LEAKING_PID
    And I end it, and let it clean up:
      """bash
      kill -TERM "${LEAKING_PID:?}"
      """
    Then that process is gone
    And the API is serving
    And the alert MemoryHigh falls silent again

  @risk_mutating
  Scenario: Restart one instance without customers noticing
    Given 2 instances serve customers
    And the process of instance 2 is noted
    And customers keep sending requests
    When I restart that instance, and wait until it serves (within 2 minutes):
      """bash
      (
        set -eu -o pipefail
        docker restart "${INSTANCE:?}"
        slot=$(echo "$API_SLOTS" | cut -d' ' -f"${INSTANCE##*-}")
        curl --fail -sS -o /dev/null --max-time 5 --retry 20 --retry-delay 1 --retry-connrefused "$slot/api/health"
      )
      """
    Then another process serves as instance 2, and it answers
    And no customer got an error meanwhile
