Feature: A loan is overdue
  @risk_readonly @needs_desk
  Scenario: The overdue loans are listed
    Given a loan is overdue
    When I ask the desk:
      """bash
      curl --silent --show-error --fail-with-body "$DESK_URL/overdue"
      """
    Then it prints "Moby Dick"

  @risk_mutating @needs_desk
  Scenario: The book comes back
    Given a loan is overdue
    When I get ready to lend it again:
      """bash
      curl --silent --show-error --fail-with-body --request POST "$DESK_URL/lend"
      """
    And I take the book back:
      """bash
      curl --silent --show-error --fail-with-body --request POST "$DESK_URL/return"
      """
    Then no loan is overdue
