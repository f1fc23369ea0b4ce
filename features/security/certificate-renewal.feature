@needs_nginx @alert_CertificateExpiring
Feature: Renew a certificate
  Put the new pair in place, test, reload. A reload keeps connections; the proof is the serial number that is served.

  @risk_mutating
  Scenario: Serve a renewed certificate without losing a request
    Given the certificate that is served expires soon
    And the alert CertificateExpiring rings
    And there is a renewed certificate
    And customers keep sending requests
    When I get ready to put the former pair back:
      """bash
      (
        set -eu
        mv "${TLS_CERTIFICATE:?}.before" "$TLS_CERTIFICATE"
        mv "${TLS_KEY:?}.before" "$TLS_KEY"
        nginx -t
        nginx -s reload
      )
      """
    And I keep the former pair:
      """bash
      (
        set -eu
        if [ -L "${TLS_CERTIFICATE:?}" ] || [ -L "${TLS_KEY:?}" ]; then echo "a link: certbot keeps this pair, renew with certbot"; exit 1; fi
        if [ -e "$TLS_CERTIFICATE.before" ]; then echo "a former pair is kept already: look which one is served"; exit 1; fi
        cp -p "$TLS_CERTIFICATE" "$TLS_CERTIFICATE.before"
        cp -p "$TLS_KEY" "$TLS_KEY.before"
      )
      """
    And I put the new pair in place, the key readable by its owner alone:
      """bash
      (
        set -eu
        cmp "${TLS_CERTIFICATE:?}.before" "$TLS_CERTIFICATE"
        cmp "${TLS_KEY:?}.before" "$TLS_KEY"
        install -m 600 "${RENEWED:?}/privkey.pem" "$TLS_KEY.new"
        install -m 644 "$RENEWED/fullchain.pem" "$TLS_CERTIFICATE.new"
        mv "$TLS_KEY.new" "$TLS_KEY"
        mv "$TLS_CERTIFICATE.new" "$TLS_CERTIFICATE"
      )
      """
    And I test, and reload only if the new pair is in place and the test is good:
      """bash
      cmp "${RENEWED:?}/fullchain.pem" "${TLS_CERTIFICATE:?}" && nginx -t && nginx -s reload
      """
    Then the renewed certificate is served
    And no customer got an error meanwhile
    # good without (3): the block tests and reloads itself before it removes anything.
    When I remove the former pair (the undo ends here):
      """bash
      (
        set -eu
        cmp "${RENEWED:?}/fullchain.pem" "${TLS_CERTIFICATE:?}"
        nginx -t
        nginx -s reload
        rm "${TLS_CERTIFICATE:?}.before" "${TLS_KEY:?}.before"
      )
      """
    Then the renewed certificate is served
    And the API is serving
    And the alert CertificateExpiring falls silent again

  @risk_mutating
  Scenario: A key that does not fit is refused, and the former certificate stays
    Given there is a renewed certificate, with the key of another one
    When I keep the former pair:
      """bash
      (
        set -eu
        if [ -L "${TLS_CERTIFICATE:?}" ] || [ -L "${TLS_KEY:?}" ]; then echo "a link: certbot keeps this pair, renew with certbot"; exit 1; fi
        if [ -e "$TLS_CERTIFICATE.before" ]; then echo "a former pair is kept already: look which one is served"; exit 1; fi
        cp -p "$TLS_CERTIFICATE" "$TLS_CERTIFICATE.before"
        cp -p "$TLS_KEY" "$TLS_KEY.before"
      )
      """
    And I put the new pair in place, the key readable by its owner alone:
      """bash
      (
        set -eu
        cmp "${TLS_CERTIFICATE:?}.before" "$TLS_CERTIFICATE"
        cmp "${TLS_KEY:?}.before" "$TLS_KEY"
        install -m 600 "${RENEWED:?}/privkey.pem" "$TLS_KEY.new"
        install -m 644 "$RENEWED/fullchain.pem" "$TLS_CERTIFICATE.new"
        mv "$TLS_KEY.new" "$TLS_KEY"
        mv "$TLS_CERTIFICATE.new" "$TLS_CERTIFICATE"
      )
      """
    And I try to test before I reload:
      """bash
      nginx -t
      """
    Then the message says "key values mismatch"
    And the certificate from before is still served
    # good without (2): the former pair is right whether or not the new one was in its place.
    When I put the former pair back, so that a restart cannot fail:
      """bash
      (
        set -eu
        test -e "${TLS_CERTIFICATE:?}.before"
        mv "$TLS_CERTIFICATE.before" "$TLS_CERTIFICATE"
        mv "${TLS_KEY:?}.before" "$TLS_KEY"
        nginx -t
      )
      """
    Then the certificate from before is still served
    And the API is serving

  @risk_mutating @requires_pebble @requires_certbot
  Scenario: Renew with certbot, and serve the new certificate without a restart
    Given nginx serves a certificate that certbot keeps, and its renewal is due
    And customers keep sending requests
    When I list the certificates and their last days (within 1 minute):
      """bash
      certbot certificates
      """
    # good without (1): certbot looks itself what is due; the list is for the person who reads it.
    And I renew what is due, and reload nginx when there is a new one (within 3 minutes):
      """bash
      certbot renew --non-interactive --deploy-hook 'nginx -t && nginx -s reload'
      """
    Then the new certificate is on disk, and is served
    And no customer got an error meanwhile
