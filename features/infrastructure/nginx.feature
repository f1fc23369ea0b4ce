@needs_nginx @alert_NginxDown
Feature: nginx
  Test, then reload. A reload keeps connections; a restart drops them.

  @risk_mutating
  Scenario: nginx runs, and its configuration is valid
    When I check whether it runs:
      """bash
      systemctl --no-pager status nginx
      """
    And I test the configuration on disk:
      """bash
      nginx -t
      """
    Then the API is serving
    And nginx accepts its configuration

  @risk_mutating
  Scenario: A mistake in the configuration is found before it is loaded
    Given the configuration of nginx has a mistake
    When I try to test the configuration on disk:
      """bash
      nginx -t
      """
    Then it ends with exit code 1
    And the message names the file and the line of the mistake
    And the API is serving

  @risk_mutating
  Scenario: Remove a mistake without losing a request
    Given the configuration of nginx has a mistake
    And customers keep sending requests
    When I move the file with the mistake out of the way:
      """bash
      (
        set -eu
        if [ "${BROKEN_FILE:?}" = "$NGINX_CONF" ] || grep -qE '^[[:space:]]*(server|location|upstream)[[:space:]]' "$BROKEN_FILE"; then
          echo "customers are served from $BROKEN_FILE: correct the line that nginx -t names, do not move the file; then test, and reload"
          exit 1
        fi
        mv "$BROKEN_FILE" "$BROKEN_FILE.broken"
      )
      """
    # good without (1): as long as the mistake is there, the test fails and nothing is reloaded.
    And I test, and reload only if the test is good:
      """bash
      nginx -t && nginx -s reload
      """
    Then nginx accepts its configuration
    And no customer got an error meanwhile

  @risk_mutating
  Scenario: Load a change without losing a request
    Given an address that customers never use
    And customers keep sending requests
    When I get ready to serve that address again:
      """bash
      rm -f "${NGINX_PREFIX:?}/blocked.d/one-address.conf" && nginx -t && nginx -s reload
      """
    And I write the change to a file of its own:
      """bash
      printf 'deny %s;\n' "${REFUSED_CLIENT:?}" > "${NGINX_PREFIX:?}/blocked.d/one-address.conf"
      """
    # good without (1): the block looks itself whether nginx reads the change, and reloads nothing without it.
    And I test, see that nginx reads the file, and only then reload:
      """bash
      (
        set -eu -o pipefail
        nginx -t
        nginx -T 2>/dev/null | grep -F "deny ${REFUSED_CLIENT:?};"
        nginx -s reload
      )
      """
    Then requests from that address are refused, and those of others served
    And no customer got an error meanwhile

  @risk_destructive
  Scenario: Start nginx
    Given nginx is down
    And the alert NginxDown rings
    When I try to check whether it runs:
      """bash
      systemctl --no-pager status nginx
      """
    And I test the configuration, then start it (within 1 minute):
      """bash
      nginx -t && systemctl start nginx
      """
    Then the API is serving
    And the alert NginxDown falls silent again

  @risk_readonly
  Scenario: Status codes are counted from the access log
    Given customers requested a page that does not exist
    When I count the last thousand answers by status:
      """bash
      tail -n 1000 "$NGINX_ACCESS_LOG" | cut -d'"' -f3 | cut -d' ' -f2 | sort | uniq -c | sort -rn
      """
    Then the log counts answers with 404

  @risk_readonly
  Scenario: Failing requests are listed from the access log
    Given customers requested a page that does not exist
    When I list the requests that failed most, of the last thousand:
      """bash
      tail -n 1000 "$NGINX_ACCESS_LOG" | cut -d'"' -f2,3 | grep -E '" [45][0-9][0-9] ' | cut -d' ' -f1,2,4 \
        | sort | uniq -c | sort -rn | sed -n 1,10p
      """
    Then the log names that page
