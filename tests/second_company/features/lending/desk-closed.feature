Feature: The desk does not answer
  @risk_readonly
  Scenario: The desk is looked at
    Given the desk is closed
    When I ask the desk:
      """bash
      curl --silent --fail --max-time 2 "$DESK_URL/health" || echo "it does not answer"
      """
    Then it prints "it does not answer"
