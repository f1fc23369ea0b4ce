@needs_nginx @needs_aws
Feature: Post-deployment validation
  After a deployment: a report as JSON, and a test customer who registers, searches, books and pays.

  @risk_mutating
  Scenario: Write the whole report to a file, and see that all of it is green
    Given the API is serving
    When I write the whole report to a file (within 2 minutes):
      """bash
      beautycort health-checks all --format json > deployment-validation.json
      """
    And I read the file back:
      """bash
      cat deployment-validation.json
      """
    Then every health check is healthy
    And every smoke test passed
    And these smoke tests are in the report, and passed:
      | User Registration |
      | Provider Search   |
      | Booking Creation  |
      | Payment Gateway   |

  @risk_readonly
  Scenario: The API reports the health of each of its parts
    Given the API is serving
    When I ask for the detailed health:
      """bash
      curl --fail-with-body -sS --max-time 10 "$API_BASE_URL/api/health/detailed"
      """
    Then the check "Database Health" is healthy
    And the check "Redis Health" is healthy
    And the check "External Dependencies" is healthy

  @risk_mutating
  Scenario: A customer really registers, searches, books and pays
    Given the charges of the payment service are noted
    When I run the smoke tests (within 2 minutes):
      """bash
      beautycort health-checks smoke --format json
      """
    Then every smoke test passed
    And the payment service received a new charge
    And the log shows a registration, a search, a booking and a payment since then

  @risk_mutating
  Scenario: A failing payment gateway turns the validation red
    Given tap is failing
    When I try to write the whole report to a file (within 2 minutes):
      """bash
      beautycort health-checks all --format json
      """
    Then it ends with exit code 1
    And the smoke test "Payment Gateway" failed
    And the smoke test "Provider Search" passed
