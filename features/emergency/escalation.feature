@needs_third_parties
Feature: Escalation
  Whom to tell, by severity, and what to do when the message does not arrive.

  @risk_mutating
  Scenario Outline: Tell the right people
    Given an incident of severity <severity> is announced in <channel>
    When I tell the channel what is known:
      """bash
      beautycort notify "${INCIDENT_CHANNEL:?}" "${INCIDENT_SEVERITY:?}: ${INCIDENT_SUMMARY:?}"
      """
    Then Slack has the message in <channel>, with severity <severity>

    Examples:
      | severity | channel             |
      | CRITICAL | #alerts-critical    |
      | HIGH     | #alerts-critical    |
      | MEDIUM   | #alerts-warnings    |
      | LOW      | #engineering-alerts |

  @risk_mutating
  Scenario: A message that does not arrive is noticed, and people are phoned
    Given an incident of severity CRITICAL is announced in #alerts-critical
    And slack is failing
    When I try to tell the channel what is known:
      """bash
      beautycort notify "${INCIDENT_CHANNEL:?}" "${INCIDENT_SEVERITY:?}: ${INCIDENT_SUMMARY:?}"
      """
    Then it is refused with exit code 4, saying:
      """
      #alerts-critical was not told; phone the people of the escalation table
      """
    And slack answers with 503
    When a person phones CTO and Product Manager, or their backups
