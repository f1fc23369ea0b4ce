@needs_nginx @needs_aws @alert_CertificateExpiring
Feature: Certificate check
  Expiring, expired, for another host, from an unknown authority: four problems, four remedies. Tell them apart first.

  @risk_readonly @requires_openssl
  Scenario: The served certificate is valid for at least 30 days
    When I read serial number and last day from the connection, and whether 30 days (2592000 seconds) are left:
      """bash
      (
        set -eu -o pipefail
        host=${API_BASE_URL#https://} host=${host%%/*} host=${host##*@}
        case $host in *:*) at=$host ;; *) at=$host:443 ;; esac
        timeout 20 openssl s_client -connect "$at" -servername "${at%%:*}" ${SSL_CERT_FILE:+-CAfile} ${SSL_CERT_FILE:+"$SSL_CERT_FILE"} \
          -verify_hostname "${at%%:*}" -verify_return_error -verify_quiet </dev/null \
          | openssl x509 -noout -subject -issuer -serial -enddate -checkend 2592000
      )
      """
    Then it has 30 days or more left, and is the one that is served

  @risk_readonly
  Scenario Outline: A certificate that expires soon is found before customers notice
    Given the certificate is ending in <days> days
    And the alert CertificateExpiring rings
    When I try to run the health checks:
      """bash
      beautycort health-checks health --format json
      """
    Then the check "SSL Certificate" is <status>
    And an independent client reports "nothing"

    Examples:
      | days | status    |
      | 20   | degraded  |
      | 5    | unhealthy |

  @risk_readonly
  Scenario Outline: Why clients refuse the certificate is found
    Given the certificate is <fault>
    When I try to run the health checks:
      """bash
      beautycort health-checks health --format json
      """
    Then the check "SSL Certificate" is unhealthy
    And an independent client reports "<words>"
    And the message about the certificate is "<words>"

    Examples:
      | fault                   | words                              |
      | expired since yesterday | certificate has expired            |
      | of another host         | Hostname mismatch                  |
      | of an unknown authority | unable to get local issuer         |
